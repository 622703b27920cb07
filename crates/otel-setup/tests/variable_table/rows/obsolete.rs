//! Variables of the specification that change nothing.

use super::{ONLY_SPANS, accepted, exported, not_unicode};
use crate::check::{Row, Variable};

pub(crate) fn obsolete() -> Vec<Variable> {
    let values = [
        ("OTEL_CONFIG_FILE", "otel.yaml"),
        ("OTEL_EXPERIMENTAL_CONFIG_FILE", "/etc/otel.yaml"),
        ("OTEL_ENTITIES", "service{service.name=other}[team=shop]"),
        (
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
            "http://user:s3cret@localhost:9411/api/v2/spans",
        ),
        ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", "5000"),
        ("OTEL_EXPORTER_ZIPKIN_PROTOCOL", "v2"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "9464"),
        ("OTEL_EXPORTER_OTLP_SPAN_INSECURE", "true"),
        ("OTEL_EXPORTER_OTLP_METRIC_INSECURE", "TRUE"),
        ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs"),
        ("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup"),
        (
            "OTEL_SEMCONV_STABILITY_OPT_IN",
            "rpc/dup, HTTP/DUP ,database",
        ),
    ];
    let warned = values.into_iter().map(|(name, value)| {
        let mut rows = vec![Row::warned(value, "", "")];
        if !name.starts_with("OTEL_SEMCONV") {
            rows.extend(not_unicode().map(|value| Row::warned(value, "", "")));
        }
        exported(name, "", "", rows)
    });
    let others = accepted(&[
        ("rpc/dup", ""),
        ("http", ""),
        ("database/dup", ""),
        (",", ""),
    ]);
    let others = exported("OTEL_SEMCONV_STABILITY_OPT_IN", "", "", others);
    let variables = warned.chain([others]);
    variables
        .map(|variable| variable.with(&ONLY_SPANS))
        .collect()
}
