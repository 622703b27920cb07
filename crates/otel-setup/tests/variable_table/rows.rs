//! The table.

use std::ffi::OsString;

use crate::check::{Row, Variable};
use crate::probe::{self, Probe};

/// Bytes that are not valid Unicode. They are the only value that a warning does not show.
#[cfg(unix)]
fn not_unicode() -> Option<OsString> {
    use std::os::unix::ffi::OsStringExt as _;

    Some(OsString::from_vec(vec![b'5', 0xff, b'0']))
}

#[cfg(not(unix))]
fn not_unicode() -> Option<OsString> {
    None
}

/// Values that no number has.
const NO_NUMBERS: [&str; 16] = [
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
    "--5",
    // 2^64
    "18446744073709551616",
    "99999999999999999999999999",
];

/// The values that count as unset.
fn unset(default: &str) -> Vec<Row> {
    vec![Row::accepted("", default), Row::accepted("  \t ", default)]
}

/// Rows whose values cannot be used, so that the default is used, which the warning calls `said`.
fn invalid<'a>(values: impl IntoIterator<Item = &'a str>, default: &str, said: &str) -> Vec<Row> {
    let said = if said.is_empty() {
        "; the variable is ignored".to_owned()
    } else {
        format!("; {said} is used instead")
    };
    let long = "x".repeat(1000);
    let values = values.into_iter().map(OsString::from);
    let values = values.chain([long.into(), "new\nline \"quote\"".into()]);
    let values = values.chain(not_unicode());
    values
        .map(|value| Row::warned(value, default, said.as_str()))
        .collect()
}

fn variable(name: &str, probe: Probe, default: &str, different: &str, rows: Vec<Row>) -> Variable {
    Variable {
        name: name.to_owned(),
        others: Vec::new(),
        probe,
        default: default.to_owned(),
        different: different.to_owned(),
        rows: [rows, unset(default)].concat(),
    }
}

impl Variable {
    fn with(mut self, others: &[(&str, &str)]) -> Self {
        let others = others.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.others.extend(others);
        self
    }
}

fn count(name: &str, probe: Probe, default: &str, different: &str) -> Variable {
    let mut rows = invalid(NO_NUMBERS, default, default);
    // A queue of this size would need the memory of the machine.
    rows.extend(invalid(["0", "1000001", "2147483647", "18446744073709551615"], default, default));
    rows.push(Row::accepted(format!(" {different}\n"), different));
    rows.push(Row::accepted(format!("+{different}"), different));
    rows.push(Row::accepted(format!("00{different}"), different));
    variable(name, probe, default, different, rows)
}

pub(crate) fn counts() -> Vec<Variable> {
    let later = "3600000";
    let span_queue = count("OTEL_BSP_MAX_QUEUE_SIZE", probe::span_queue, "2048", "7")
        .with(&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"), ("OTEL_BSP_SCHEDULE_DELAY", later)]);
    let span_batch = count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", probe::span_batches, "512", "100")
        .with(&[("OTEL_BSP_SCHEDULE_DELAY", later)]);
    vec![
        span_queue,
        span_batch,
        #[cfg(feature = "logs")]
        count("OTEL_BLRP_MAX_QUEUE_SIZE", probe::log_queue, "2048", "7")
            .with(&[("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "1"), ("OTEL_BLRP_SCHEDULE_DELAY", later)]),
        #[cfg(feature = "logs")]
        count("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", probe::log_batches, "512", "100")
            .with(&[("OTEL_BLRP_SCHEDULE_DELAY", later)]),
    ]
}

fn limit(name: &str, default: &str, said: &str, different: &str) -> Variable {
    let mut rows = invalid(NO_NUMBERS, default, said);
    rows.push(Row::accepted(format!(" {different} "), different));
    for large in ["2147483647", "2147483648", "4294967296", "18446744073709551615"] {
        rows.push(Row::accepted(large, "1000"));
    }
    variable(name, probe::exports, default, different, rows)
}

pub(crate) fn limits() -> Vec<Variable> {
    vec![
        limit("OTEL_ATTRIBUTE_COUNT_LIMIT", "128", "128", "3"),
        limit("OTEL_ATTRIBUTE_COUNT_LIMIT", "128", "128", "0"),
        limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128", "128", "3"),
        limit("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", "no limit", "5"),
    ]
}
