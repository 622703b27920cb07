//! Limits of spans and log records.

use super::{NOT_NUMBERS, ONLY_SPANS, accepted, exported, invalid};
use crate::check::Variable;

/// Makes a limit. The warning calls the default `said`.
fn limit(name: &str, default: &str, said: &str, different: &str) -> Variable {
    let mut rows = invalid(NOT_NUMBERS, default, said);
    let padded = format!(" 0{different} ");
    rows.extend(accepted(&[
        (&padded, different),
        ("2147483647", "1000"),
        ("2147483648", "1000"),
        ("4294967296", "1000"),
        ("18446744073709551615", "1000"),
    ]));
    exported(name, default, different, rows)
}

pub(crate) fn limits() -> Vec<Variable> {
    let count = ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9");
    let length = ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9");
    let of_spans = [
        limit("OTEL_ATTRIBUTE_COUNT_LIMIT", "128", "128", "3"),
        limit("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", "no limit", "5"),
        limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "128", "128", "0"),
        limit("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "9", "9", "3").with(&[count]),
        limit(
            "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
            "",
            "no limit",
            "5",
        ),
        limit("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9", "9", "0").with(&[length]),
        limit("OTEL_SPAN_EVENT_COUNT_LIMIT", "128", "128", "3"),
        limit("OTEL_SPAN_LINK_COUNT_LIMIT", "128", "128", "3"),
        limit("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "128", "128", "3"),
        limit("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "128", "128", "3"),
    ];
    let mut limits: Vec<_> = of_spans
        .into_iter()
        .map(|limit| limit.with(&ONLY_SPANS))
        .collect();
    if cfg!(feature = "logs") {
        let of_records = [
            limit("OTEL_ATTRIBUTE_COUNT_LIMIT", "128", "128", "3"),
            limit("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "", "no limit", "5"),
            limit("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "128", "128", "0"),
            limit("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "9", "9", "3").with(&[count]),
            limit(
                "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
                "",
                "no limit",
                "5",
            ),
            limit("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "9", "9", "0").with(&[length]),
        ];
        limits.extend(
            of_records
                .into_iter()
                .map(|limit| limit.with(&super::ONLY_RECORDS)),
        );
    }
    limits
}
