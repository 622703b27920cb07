//! The names of events in the guide on troubleshooting: the rows of its table and its headings.

use std::collections::{BTreeMap, BTreeSet};

use super::events::is_of_name;

/// The guide on troubleshooting.
pub(super) const GUIDE: &str = "docs/troubleshooting.md";

/// The section with the table of names. Each row starts with the name, which links to the section about the event.
const SECTION: &str = "## By event name";

/// Compares the guide with the names that the crates write, each with a place. Another check follows the links.
pub(super) fn check(text: &str, names: &BTreeMap<String, String>, breaches: &mut Vec<String>) {
    let section = section(text);
    let mut rows = BTreeSet::new();
    for (name, target) in section.lines().filter_map(row) {
        if target
            .split_once('#')
            .is_none_or(|(_, anchor)| anchor != name)
        {
            breaches.push(format!(
                "{GUIDE}: the row of `{name}` links to {target}, not to an anchor of this name"
            ));
        }
        if !rows.insert(name) {
            breaches.push(format!("{GUIDE}: `{name}` has two rows"));
        }
    }
    for (name, place) in names {
        if !rows.contains(name.as_str()) {
            breaches.push(format!(
                "{GUIDE}: the table in \"{SECTION}\" has no row for the event `{name}` of {place}"
            ));
        }
    }
    let headings = section.lines().filter_map(|line| line.strip_prefix("### "));
    let headings: BTreeSet<_> = headings.filter(|it| it.chars().all(is_of_name)).collect();
    for name in rows.union(&headings) {
        if !names.contains_key(*name) {
            breaches.push(format!("{GUIDE}: no WARN or ERROR has the name `{name}`"));
        } else if !rows.contains(name) {
            breaches.push(format!(
                "{GUIDE}: the heading {name} has no row in the table"
            ));
        }
    }
}

fn section(text: &str) -> &str {
    let Some((_, section)) = text.split_once(&format!("\n{SECTION}\n")) else {
        return "";
    };
    section.split("\n## ").next().unwrap_or_default()
}

/// Reads a row of the table: a link with a name and a target, then the other columns.
fn row(line: &str) -> Option<(&str, &str)> {
    let (name, rest) = line.strip_prefix("| [`")?.split_once("`](")?;
    let (target, _) = rest.split_once(')')?;
    Some((name, target))
}
