//! The data file with the marks and the figures of the first version.

use std::fs;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::cargo::root;

const FILE: &str = "xtask/benches/marks.json";

#[derive(Debug, Deserialize)]
pub(crate) struct Figures {
    pub(crate) marks: Vec<Mark>,
    pub(crate) first_version: Vec<Row>,
}

/// The figures of a contender for one piece of work.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// Bench, case and contender, as [`row_name`] joins them.
    pub(crate) row: String,
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
    /// `None` if objdump is not installed.
    pub(crate) locked: Option<f64>,
}

pub(crate) fn row_name(bench: &str, case: &str, contender: &str) -> String {
    format!("{bench} | {case} | {contender}")
}

/// An upper limit that the project aims at, for the figure `(row - minus) / share_of / per`.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mark {
    pub(crate) name: String,
    pub(crate) figure: Figure,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) row: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) minus: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per: Option<f64>,
    pub(crate) mark: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stretch: Option<f64>,
    /// The figure of the first version, if it does not come from a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first: Option<f64>,
    /// The reason why the figure cannot be measured yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_measured: Option<String>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Figure {
    #[default]
    Instructions,
    Allocations,
    Locked,
    Time,
}

impl Figures {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let text = fs::read_to_string(root().join(FILE)).context(FILE)?;
        serde_json::from_str(&text).context(FILE)
    }

    pub(crate) fn write(&self) -> anyhow::Result<()> {
        fs::write(root().join(FILE), self.to_text()?).context(FILE)
    }

    /// Writes one line for each mark and row.
    fn to_text(&self) -> anyhow::Result<String> {
        let (marks, rows) = (lines(&self.marks)?, lines(&self.first_version)?);
        Ok(format!(
            "{{\n\"marks\": [\n{marks}\n],\n\"first_version\": [\n{rows}\n]\n}}\n"
        ))
    }
}

fn lines<T: Serialize>(items: &[T]) -> anyhow::Result<String> {
    let lines: Result<Vec<_>, _> = items.iter().map(serde_json::to_string).collect();
    Ok(lines?.join(",\n"))
}

impl Mark {
    /// Calculates the figure. Returns `None` if a row is missing.
    pub(crate) fn value(&self, rows: &[Row]) -> Option<f64> {
        let figure = |name: &String| {
            let row = rows.iter().find(|row| row.row == *name)?;
            match self.figure {
                Figure::Instructions => Some(row.instructions),
                Figure::Allocations => Some(row.allocations),
                Figure::Locked => row.locked,
                Figure::Time => None,
            }
        };
        let mut value = figure(self.row.as_ref()?)?;
        if let Some(minus) = &self.minus {
            value -= figure(minus)?;
        }
        if let Some(share_of) = &self.share_of {
            value /= figure(share_of)?;
        }
        Some(value / self.per.unwrap_or(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, instructions: f64) -> Row {
        Row {
            row: row_name("server", name, "otel-tower"),
            instructions,
            allocations: 12.0,
            locked: None,
        }
    }

    #[test]
    fn a_mark_calculates_with_rows() {
        let rows = [row("100 frames", 50_000.0), row("sampled", 10_000.0)];
        let mark = |figure, minus: Option<&str>, share_of: Option<&str>, per| {
            let name = |case| row_name("server", case, "otel-tower");
            let mark = Mark {
                figure,
                row: Some(name("100 frames")),
                minus: minus.map(name),
                share_of: share_of.map(name),
                per,
                ..Mark::default()
            };
            mark.value(&rows)
        };
        let sampled = Some("sampled");
        assert_eq!(mark(Figure::Instructions, None, None, None), Some(50_000.0));
        assert_eq!(
            mark(Figure::Instructions, sampled, None, Some(100.0)),
            Some(400.0)
        );
        assert_eq!(mark(Figure::Instructions, None, sampled, None), Some(5.0));
        assert_eq!(mark(Figure::Allocations, sampled, None, None), Some(0.0));
        assert_eq!(mark(Figure::Locked, None, None, None), None);
        assert_eq!(mark(Figure::Instructions, Some("gone"), None, None), None);
    }

    #[test]
    fn writing_the_file_does_not_change_it() {
        let text = fs::read_to_string(root().join(FILE)).unwrap();
        let figures: Figures = serde_json::from_str(&text).unwrap();
        assert_eq!(figures.to_text().unwrap(), text);
    }

    #[test]
    fn each_mark_has_a_figure_of_the_first_version_or_a_reason() {
        let figures = Figures::read().unwrap();
        for mark in &figures.marks {
            let has_rows = mark.value(&figures.first_version).is_some();
            assert_ne!(has_rows, mark.not_measured.is_some(), "{}", mark.name);
        }
    }
}
