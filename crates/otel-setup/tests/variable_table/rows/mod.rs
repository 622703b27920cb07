//! The table: each variable, its default, and its values.

mod batches;
mod endpoints;
mod export;
mod general;
mod limits;
mod obsolete;
mod processes;

use std::ffi::OsString;

pub(crate) use self::batches::{counts, delays, timeouts};
pub(crate) use self::endpoints::{certificates, endpoints, headers};
pub(crate) use self::export::{exporters, over_grpc, over_http};
pub(crate) use self::general::{names, samplers, switches};
pub(crate) use self::limits::limits;
pub(crate) use self::obsolete::obsolete;
pub(crate) use self::processes::{lines, types};
use crate::check::{Row, Variable};
use crate::probe::{self, Probe};

const ONLY_SPANS: [(&str, &str); 2] = [
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];
const ONLY_METRICS: [(&str, &str); 2] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
];
const ONLY_RECORDS: [(&str, &str); 2] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
];

/// The signals that are exported, as names of variables have them, and the variables that leave only this signal.
fn signals() -> Vec<(&'static str, [(&'static str, &'static str); 2])> {
    let mut signals = vec![("TRACES", ONLY_SPANS), ("METRICS", ONLY_METRICS)];
    if cfg!(feature = "logs") {
        signals.push(("LOGS", ONLY_RECORDS));
    }
    signals
}

/// Bytes that are not valid Unicode. A warning does not show them.
#[cfg(unix)]
fn not_unicode() -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt as _;

    Some(OsString::from_vec(b"s3cret\xff".to_vec()))
}

#[cfg(not(unix))]
fn not_unicode() -> Option<OsString> {
    None
}

/// Values that are not a number of items or milliseconds.
const NOT_NUMBERS: [&str; 15] = [
    "many",
    "-1",
    "1.5",
    "5s",
    "0x10",
    "1e3",
    "1_000",
    "1 000",
    "1,000",
    "NaN",
    "inf",
    "true",
    "\u{0665}",
    // 2^64
    "18446744073709551616",
    "99999999999999999999999999",
];

/// Returns rows of values that cannot be used. The default is used, which the warning calls `said`. It is empty if the warning says
/// that the variable is ignored.
fn invalid<'a>(values: impl IntoIterator<Item = &'a str>, default: &str, said: &str) -> Vec<Row> {
    let values = values.into_iter().map(OsString::from);
    let values = values.chain(["x".repeat(1000).into(), "new\nline \"quote\"".into()]);
    let values = values.chain(not_unicode());
    values
        .map(|value| Row::warned(value, default, used_instead(said)))
        .collect()
}

fn used_instead(said: &str) -> String {
    if said.is_empty() {
        "; the variable is ignored".to_owned()
    } else {
        format!("; {said} is used instead")
    }
}

/// Returns rows of values that can be used in part: the value and the part.
fn partly(values: &[(&str, &str)]) -> Vec<Row> {
    let values = values.iter();
    values
        .map(|(value, used)| Row::warned(*value, *used, used_instead(used)))
        .collect()
}

/// Returns rows of valid values: the value and another way to write it.
fn accepted(values: &[(&str, &str)]) -> Vec<Row> {
    let values = values.iter();
    values
        .map(|(value, same_as)| Row::accepted(*value, *same_as))
        .collect()
}

/// Makes a variable whose empty value counts as unset.
fn variable(name: &str, probe: Probe, default: &str, different: &str, rows: Vec<Row>) -> Variable {
    let unset = accepted(&[("", default), (" \t ", default)]);
    Variable {
        name: name.to_owned(),
        others: Vec::new(),
        probe,
        default: default.to_owned(),
        different: different.to_owned(),
        rows: [rows, unset].concat(),
    }
}

/// Makes a variable that is seen in exports.
fn exported(name: &str, default: &str, different: &str, rows: Vec<Row>) -> Variable {
    variable(name, probe::exports, default, different, rows)
}

const NOT_BOOLEANS: [&str; 13] = [
    "yes",
    "no",
    "1",
    "0",
    "on",
    "off",
    "enabled",
    "t",
    "tru",
    "true,true",
    "truefalse",
    "\"true\"",
    "-1",
];

/// Makes a Boolean variable: only `true` is true.
fn boolean(name: &str, invalid_values: &[&str]) -> Variable {
    let mut rows = invalid(invalid_values.iter().copied(), "false", "false");
    rows.extend(accepted(&[
        ("TRUE", "true"),
        (" tRuE\n", "true"),
        ("False", "false"),
        ("FALSE ", "false"),
    ]));
    exported(name, "false", "true", rows)
}

impl Variable {
    /// Sets other variables in all rows.
    fn with(mut self, others: &[(&str, &str)]) -> Self {
        let others = others.iter();
        let others = others.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.others.extend(others);
        self
    }
}
