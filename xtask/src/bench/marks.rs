//! `cargo xtask bench --marks`.

use std::io::{self, Write as _};

use anyhow::bail;

use super::figures::{Figure, Figures, Mark, Row};
use super::run;

/// The benches that have marks.
const BENCHES: [&str; 4] = ["server", "client", "spans", "log"];
/// The benches of which no row may rise.
const HELD: [&str; 2] = ["server | ", "client | "];
/// How much more instructions than the first version are too many.
const TOLERANCE: f64 = 1.02;

/// Prints the marks and the held rows, and fails if a held row has risen.
pub(crate) fn compare(record: bool) -> anyhow::Result<()> {
    let mut figures = Figures::read()?;
    let mut now = Vec::new();
    for bench in BENCHES {
        eprintln!("counting: {bench}");
        now.extend(run::count(bench)?);
    }
    if record {
        add_missing(&mut figures.first_version, &now);
        figures.write()?;
    }
    let mut text = table(&figures, &now).join("\n");
    text.push('\n');
    io::stdout().write_all(text.as_bytes())?;
    let findings = findings(&figures.first_version, &now);
    if !findings.is_empty() {
        bail!("{}", findings.join("; "));
    }
    Ok(())
}

fn add_missing(first: &mut Vec<Row>, now: &[Row]) {
    let missing: Vec<_> = (now.iter().filter(|row| find(first, &row.row).is_none()))
        .cloned()
        .collect();
    first.extend(missing);
}

fn table(figures: &Figures, now: &[Row]) -> Vec<String> {
    let mut lines = vec![
        "| name | first version | mark (stretch) | now | |".to_owned(),
        "| --- | ---: | ---: | ---: | --- |".to_owned(),
    ];
    lines.extend(
        figures
            .marks
            .iter()
            .map(|mark| mark_line(mark, figures, now)),
    );
    let held = figures.first_version.iter().filter(|row| is_held(row));
    lines.extend(held.map(|row| held_line(row, now)));
    lines
}

fn mark_line(mark: &Mark, figures: &Figures, now: &[Row]) -> String {
    let first = mark.value(&figures.first_version).or(mark.first);
    let now = mark.value(now);
    let stretch = mark
        .stretch
        .map(|stretch| format!(" ({})", number(stretch)));
    let result = match now {
        Some(now) if now <= mark.mark => "met",
        Some(_) => "missed",
        None => mark.not_measured.as_deref().unwrap_or("not measured"),
    };
    format!(
        "| {}: {} | {} | {}{} | {} | {result} |",
        mark.name,
        match mark.figure {
            Figure::Instructions => "instructions",
            Figure::Allocations => "allocations",
            Figure::Locked => "locked",
            Figure::Time => "time",
        },
        first.map_or_else(String::new, number),
        number(mark.mark),
        stretch.unwrap_or_default(),
        now.map_or_else(String::new, number),
    )
}

/// Instructions, allocations and locked instructions of a row that may not rise.
fn held_line(first: &Row, now: &[Row]) -> String {
    let cell = |row: &Row| {
        let locked = row.locked.map_or_else(String::new, number);
        let (instructions, allocations) = (number(row.instructions), number(row.allocations));
        format!("{instructions}, {allocations}, {locked}")
    };
    let row = find(now, &first.row);
    format!(
        "| {} | {} | {} | {} | {} |",
        first.row.replace(" | ", ": "),
        cell(first),
        number(limit(first)),
        row.map_or_else(String::new, cell),
        match row {
            Some(row) if has_risen(first, row) => "risen",
            Some(_) => "held",
            None => "gone",
        }
    )
}

/// Names the held rows that have risen or gone.
fn findings(first: &[Row], now: &[Row]) -> Vec<String> {
    let (mut risen, mut gone) = (Vec::new(), Vec::new());
    for first in first.iter().filter(|row| is_held(row)) {
        match find(now, &first.row) {
            Some(now) if has_risen(first, now) => {
                let percent = (now.instructions / first.instructions - 1.0) * 100.0;
                risen.push(format!(
                    "{} (+{percent:.1} %)",
                    first.row.replace(" | ", ": ")
                ));
            }
            Some(_) => {}
            None => gone.push(first.row.replace(" | ", ": ")),
        }
    }
    let mut findings = Vec::new();
    if !risen.is_empty() {
        let rows = risen.join(", ");
        findings.push(format!("more than 2 % above the first version: {rows}"));
    }
    if !gone.is_empty() {
        let rows = gone.join(", ");
        findings.push(format!("not measured any more: {rows}"));
    }
    findings
}

fn is_held(row: &Row) -> bool {
    HELD.iter().any(|bench| row.row.starts_with(bench))
}

fn has_risen(first: &Row, now: &Row) -> bool {
    now.instructions > limit(first)
}

fn limit(first: &Row) -> f64 {
    (first.instructions * TOLERANCE).floor()
}

fn find<'a>(rows: &'a [Row], name: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.row == name)
}

/// Two decimal places for shares, one for means of small numbers, none for large ones.
fn number(value: f64) -> String {
    if value.abs() >= 100.0 {
        return format!("{value:.0}");
    }
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, instructions: f64) -> Row {
        Row {
            row: name.to_owned(),
            instructions,
            allocations: 12.5,
            locked: Some(108.0),
        }
    }

    #[test]
    fn a_row_may_rise_by_two_percent() {
        let first = [row("server | sampled | otel-tower", 10_000.0)];
        let findings = |now| findings(&first, &[row("server | sampled | otel-tower", now)]);
        assert_eq!(findings(10_200.0), [""; 0]);
        assert_eq!(
            findings(10_201.0),
            ["more than 2 % above the first version: server: sampled: otel-tower (+2.0 %)"]
        );
    }

    #[test]
    fn a_row_that_is_gone_is_named() {
        let first = [row("client | 500 | otel-reqwest", 10_000.0)];
        assert_eq!(
            findings(&first, &[]),
            ["not measured any more: client: 500: otel-reqwest"]
        );
    }

    #[test]
    fn rows_of_other_benches_may_rise_and_go() {
        let first = [row("spans | 1 sync | SDK span", 100.0)];
        assert_eq!(findings(&first, &[]), [""; 0]);
        assert_eq!(
            findings(&first, &[row("spans | 1 sync | SDK span", 900.0)]),
            [""; 0]
        );
    }

    #[test]
    fn recording_adds_rows_and_changes_none() {
        let mut first = vec![row("server | sampled | otel-tower", 10_000.0)];
        let now = [
            row("server | sampled | otel-tower", 9_000.0),
            row("server | 500 | otel-tower", 11_000.0),
        ];
        add_missing(&mut first, &now);
        assert_eq!(
            first,
            [
                row("server | sampled | otel-tower", 10_000.0),
                row("server | 500 | otel-tower", 11_000.0)
            ]
        );
    }

    #[test]
    fn the_table_has_a_line_for_each_mark_and_each_held_row() {
        let name = "server | sampled | otel-tower";
        let mark = |mark, stretch| Mark {
            name: "a request".to_owned(),
            row: Some(name.to_owned()),
            mark,
            stretch,
            ..Mark::default()
        };
        let figures = Figures {
            marks: vec![
                mark(9_000.0, Some(8_000.0)),
                mark(8_000.0, None),
                Mark {
                    first: Some(0.18),
                    not_measured: Some("there is no bench yet".to_owned()),
                    row: None,
                    figure: Figure::Time,
                    ..mark(0.1, None)
                },
            ],
            first_version: vec![row(name, 10_000.0), row("log | a line | init", 10.0)],
        };
        assert_eq!(
            table(&figures, &[row(name, 8_500.4)])[2..],
            [
                "| a request: instructions | 10000 | 9000 (8000) | 8500 | met |",
                "| a request: instructions | 10000 | 8000 | 8500 | missed |",
                "| a request: time | 0.18 | 0.1 |  | there is no bench yet |",
                "| server: sampled: otel-tower | 10000, 12.5, 108 | 10200 | 8500, 12.5, 108 | held |",
            ]
        );
    }
}
