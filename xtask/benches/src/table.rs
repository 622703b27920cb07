use crate::Measured;
use crate::row::Row;

/// Prints a Markdown table, a row for each case and contender but the first: the first against that one.
pub(crate) fn print_pairs(measured: &[Measured]) {
    let mut rows = vec![row([
        "case",
        "against",
        "ours ns",
        "theirs ns",
        "ratio",
        "allocations",
        "instructions",
        "locked",
    ])];
    for case in measured {
        let ours = &case.contenders[0];
        for theirs in &case.contenders[1..] {
            let pair = |ours, theirs| format!("{} / {}", exact(ours), exact(theirs));
            let counts = ours.count.zip(theirs.count);
            let locked = counts.and_then(|(ours, theirs)| ours.locked.zip(theirs.locked));
            rows.push(vec![
                case.name.clone(),
                theirs.name.clone(),
                cell(ours.time, |time| rounded(time.nanoseconds)),
                cell(theirs.time, |time| rounded(time.nanoseconds)),
                cell(theirs.time, |time| format!("{:.2}", time.ratio)),
                pair(ours.allocations, theirs.allocations),
                cell(counts, |(ours, theirs)| {
                    format!("{:.0} / {:.0}", ours.instructions, theirs.instructions)
                }),
                cell(locked, |(ours, theirs)| pair(ours, theirs)),
            ]);
        }
    }
    lines(&rows);
}

/// Prints a Markdown table of rows.
pub(crate) fn print(table: &[Row]) {
    let mut rows = vec![row([
        "case",
        "contender",
        "instructions",
        "allocations",
        "locked",
        "ns",
    ])];
    for line in table {
        let [instructions, allocations, locked, nanoseconds] = line.figures;
        rows.push(vec![
            line.case.clone(),
            line.contender.clone(),
            cell(instructions, rounded),
            cell(allocations, exact),
            cell(locked, exact),
            cell(nanoseconds, rounded),
        ]);
    }
    lines(&rows);
}

fn row<const COLUMNS: usize>(cells: [&str; COLUMNS]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn cell<T>(figure: Option<T>, show: impl FnOnce(T) -> String) -> String {
    figure.map_or_else(String::new, show)
}

fn rounded(figure: f64) -> String {
    format!("{figure:.0}")
}

/// Shows one decimal place if the pieces of a rotation differ.
fn exact(figure: f64) -> String {
    let text = format!("{figure:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_number_has_no_decimal_place() {
        assert_eq!(exact(12.0), "12");
        assert_eq!(exact(12.5), "12.5");
        assert_eq!(exact(0.01), "0");
    }
}
