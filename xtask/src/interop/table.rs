//! What is printed: a table in Markdown.

use std::iter;

use super::chain::CHAINS;
use super::expect::Verdict;

/// One of theirs in one format.
pub(crate) struct Row {
    pub(crate) theirs: &'static str,
    pub(crate) format: &'static str,
    /// One for each chain.
    pub(crate) verdicts: Vec<Verdict>,
}

pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut notes = Vec::new();
    let titles = ["theirs", "format"].into_iter();
    let titles = titles.chain(CHAINS.map(|chain| chain.title));
    let mut text = line(titles.map(str::to_owned));
    text += &line(iter::repeat_n("---".to_owned(), CHAINS.len() + 2));
    for row in rows {
        let cells = [row.theirs, row.format].map(str::to_owned);
        let verdicts = row.verdicts.iter().map(|it| cell(it, &mut notes));
        text += &line(cells.into_iter().chain(verdicts));
    }
    for (index, note) in notes.iter().enumerate() {
        text += &format!("\n({}) {note}\n", index + 1);
    }
    text
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |\n", Vec::from_iter(cells).join(" | "))
}

/// A tick with the numbers of its notes, or what is wrong.
fn cell(verdict: &Verdict, notes: &mut Vec<&'static str>) -> String {
    if !verdict.breaches.is_empty() {
        let breaches = verdict.breaches.join("; ");
        return breaches.replace('|', "\\|").replace('\n', " ");
    }
    let mut cell = "✓".to_owned();
    for note in &verdict.notes {
        let known = notes.iter().position(|it| it == note);
        let index = known.unwrap_or_else(|| {
            notes.push(note);
            notes.len() - 1
        });
        cell += &format!(" ({})", index + 1);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_tick_or_says_why_not() {
        let noted = || Verdict {
            notes: ["blanks are lost"].into(),
            ..Verdict::default()
        };
        let broken = Verdict {
            breaches: vec!["2 traces".to_owned(), "a|b\nis wrong".to_owned()],
            notes: ["never shown"].into(),
        };
        let rows = [
            Row {
                theirs: "Flask",
                format: "W3C",
                verdicts: vec![Verdict::default(), noted(), noted()],
            },
            Row {
                theirs: "express",
                format: "B3",
                verdicts: vec![broken, Verdict::default(), Verdict::default()],
            },
        ];
        let expected = "\
| theirs | format | ours → theirs | theirs → ours | ours → theirs → ours |
| --- | --- | --- | --- | --- |
| Flask | W3C | ✓ | ✓ (1) | ✓ (1) |
| express | B3 | 2 traces; a\\|b is wrong | ✓ | ✓ |

(1) blanks are lost
";
        assert_eq!(markdown(&rows), expected);
    }
}
