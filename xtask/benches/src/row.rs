//! Rows of a table, and the file that carries them from one process to another.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use crate::{Measured, MeasuredContender};

/// Names a file: a bench appends its rows there and prints no table.
pub(crate) const VARIABLE: &str = "OTEL_BENCHES_ROWS";

/// What a contender takes for one piece of work, or takes more than the first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) case: String,
    pub(crate) contender: String,
    pub(crate) figures: Figures,
}

/// Instructions, allocations, locked instructions and nanoseconds; `None` if they were not measured.
pub(crate) type Figures = [Option<f64>; 4];

impl Row {
    /// Makes a row for each contender.
    pub(crate) fn for_each(measured: &[Measured]) -> Vec<Self> {
        let rows = measured.iter().flat_map(|case| {
            let row = |contender| Self::new(case, contender, figures(contender));
            case.contenders.iter().map(row)
        });
        rows.collect()
    }

    /// Makes a row for each contender but the first, of what it takes more than the first.
    pub(crate) fn over_first(measured: &[Measured]) -> Vec<Self> {
        let rows = measured.iter().flat_map(|case| {
            let row = |contender| Self::new(case, contender, over(contender, &case.contenders[0]));
            case.contenders.iter().skip(1).map(row)
        });
        rows.collect()
    }

    fn new(case: &Measured, contender: &MeasuredContender, figures: Figures) -> Self {
        Self {
            case: case.name.clone(),
            contender: contender.name.clone(),
            figures,
        }
    }

    fn to_line(&self) -> String {
        let figures = self
            .figures
            .map(|figure| figure.map_or_else(String::new, |figure| figure.to_string()));
        format!(
            "{}\t{}\t{}\n",
            self.case,
            self.contender,
            figures.join("\t")
        )
    }

    /// Returns `None` if the line has not as many columns as [`to_line`](Self::to_line) writes.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut cells = line.split('\t');
        let (case, contender) = (cells.next()?.to_owned(), cells.next()?.to_owned());
        let mut figures = [None; 4];
        for figure in &mut figures {
            *figure = cells.next()?.parse().ok();
        }
        Some(Self {
            case,
            contender,
            figures,
        })
    }
}

/// Appends the rows to the file that [`VARIABLE`] names; returns false if it names none.
pub(crate) fn append(rows: &[Row]) -> bool {
    let Some(file) = env::var_os(VARIABLE).map(PathBuf::from) else {
        return false;
    };
    let lines: String = rows.iter().map(Row::to_line).collect();
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(lines.as_bytes()))
        .expect("the file for the rows can be written");
    true
}

/// Returns true if [`VARIABLE`] is set.
pub(crate) fn goes_to_file() -> bool {
    env::var_os(VARIABLE).is_some()
}

fn figures(contender: &MeasuredContender) -> Figures {
    let count = contender.count;
    [
        count.map(|count| count.instructions),
        Some(contender.allocations),
        count.and_then(|count| count.locked),
        contender.time.map(|time| time.nanoseconds),
    ]
}

fn over(contender: &MeasuredContender, first: &MeasuredContender) -> Figures {
    let mut over = figures(contender);
    for (figure, first) in over.iter_mut().zip(figures(first)) {
        *figure = figure.zip(first).map(|(figure, first)| figure - first);
    }
    // The median of the differences, not the difference of the medians.
    over[3] = contender.time.map(|time| time.over_first);
    over
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_the_same_after_its_way_through_a_file() {
        let row = Row {
            case: "two hosts".to_owned(),
            contender: "otel-reqwest".to_owned(),
            figures: [Some(8213.5), Some(7.0), None, None],
        };
        let line = row.to_line();
        assert_eq!(line, "two hosts\totel-reqwest\t8213.5\t7\t\t\n");
        assert_eq!(Row::from_line(line.trim_end_matches('\n')), Some(row));
    }

    #[test]
    fn a_line_with_too_few_columns_makes_no_row() {
        assert_eq!(Row::from_line("two hosts\totel-reqwest\t1"), None);
    }
}
