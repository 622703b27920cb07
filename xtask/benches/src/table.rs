use crate::Case;
use crate::time::Time;

/// Prints a Markdown table, a row for each case and other contender.
pub(crate) fn print(
    cases: &[Case],
    times: &[Vec<Time>],
    allocations: &[Vec<u64>],
    instructions: Option<&[Vec<u64>]>,
) {
    let mut rows = vec![row([
        "case",
        "against",
        "ours ns",
        "theirs ns",
        "ratio",
        "allocations",
        "instructions",
    ])];
    for (at, case) in cases.iter().enumerate() {
        for (other, contender) in case.contenders.iter().enumerate().skip(1) {
            let time = times[at][other];
            let pair = |counts: &[Vec<u64>]| format!("{} / {}", counts[at][0], counts[at][other]);
            rows.push(vec![
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
    lines(&rows);
}

/// Prints a Markdown table, a row for each case and contender, of what each costs more than the first.
pub(crate) fn print_over_first(
    cases: &[Case],
    times: &[Vec<Time>],
    allocations: &[Vec<u64>],
    instructions: Option<&[Vec<u64>]>,
) {
    let mut rows = vec![row([
        "case",
        "contender",
        "instructions",
        "allocations",
        "ns",
    ])];
    for (at, case) in cases.iter().enumerate() {
        for (other, contender) in case.contenders.iter().enumerate().skip(1) {
            let over = |counts: &[Vec<u64>]| {
                let (theirs, first) = (counts[at][other], counts[at][0]);
                format!("{}", theirs.cast_signed() - first.cast_signed())
            };
            rows.push(vec![
                case.name.clone(),
                contender.name.clone(),
                instructions.map_or_else(String::new, over),
                over(allocations),
                format!("{:.0}", times[at][other].over_first),
            ]);
        }
    }
    lines(&rows);
}

fn row<const COLUMNS: usize>(cells: [&str; COLUMNS]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// The first two columns are text, the others numbers.
fn lines(rows: &[Vec<String>]) {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    for (at, row) in rows.iter().enumerate() {
        let cells = row.iter().enumerate().map(|(column, cell)| match column {
            0 | 1 => format!("{cell:<0$}", width(column)),
            _ => format!("{cell:>0$}", width(column)),
        });
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
        if at == 0 {
            let rule = (0..row.len()).map(|column| match column {
                0 | 1 => "-".repeat(width(column)),
                _ => "-".repeat(width(column) - 1) + ":",
            });
            println!("| {} |", rule.collect::<Vec<_>>().join(" | "));
        }
    }
}
