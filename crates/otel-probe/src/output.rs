//! Standard output.

use std::{
    fmt::Display,
    io::{self, Write as _},
};

use serde_json::Value;

/// Writes text to standard output. A closed pipe, as with `head`, is not an error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Prints the JSON form of a report if there is one, otherwise its text.
pub(crate) fn print_report(report: &impl Display, json: Option<Value>) -> io::Result<()> {
    match json {
        Some(json) => print(&format!("{json:#}\n")),
        None => print(&report.to_string()),
    }
}
