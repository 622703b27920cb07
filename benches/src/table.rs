use crate::Case;
use crate::time::Time;

/// Prints a Markdown table, a row for each case and other contender.
pub(crate) fn print(
    cases: &[Case],
    times: &[Vec<Time>],
    allocations: &[Vec<u64>],
    instructions: Option<&[Vec<u64>]>,
) {
    let mut rows = vec![
        [
            "case",
            "against",
            "ours ns",
            "theirs ns",
            "ratio",
            "allocations",
            "instructions",
        ]
        .map(str::to_owned),
    ];
    for (at, case) in cases.iter().enumerate() {
        for (other, contender) in case.contenders.iter().enumerate().skip(1) {
            let time = times[at][other];
            let pair = |counts: &[Vec<u64>]| format!("{} / {}", counts[at][0], counts[at][other]);
            rows.push([
                case.name.clone(),
                contender.name.clone(),
                format!("{:.0}", times[at][0].nanoseconds),
                format!("{:.0}", time.nanoseconds),
                format!("{:.2}", time.ratio),
                pair(allocations),
                instructions.map_or_else(String::new, pair),
            ]);
        }
    }
    let widths: [usize; 7] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0));
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            0 | 1 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        if at == 0 {
            let rule = widths
                .iter()
                .enumerate()
                .map(|(column, width)| match column {
                    0 | 1 => "-".repeat(*width),
                    _ => "-".repeat(width - 1) + ":",
                });
            println!("| {} |", rule.collect::<Vec<_>>().join(" | "));
        }
    }
}
