//! Rows that are processes: one of each type, and all variables about lines.

use super::not_unicode;
use crate::processes::{Row, Written, accepted, warned};

const ALL_EXPORTS: [&str; 2] = ["/v1/metrics", "/v1/traces"];
const INFO: [&str; 3] = ["ERROR line", "WARN line", "INFO line"];

fn exports_all(written: &Written) -> bool {
    *written.summary("exports") == serde_json::json!(ALL_EXPORTS)
}

fn writes_info(written: &Written) -> bool {
    written.program_lines() == INFO && written.started("log_filter") == "info"
}

fn writes_json(written: &Written) -> bool {
    writes_info(written) && written.started("lines") == "json to standard output"
}

/// A variable of each type.
pub(crate) fn types() -> Vec<Row> {
    let mut rows = vec![
        warned(
            "OTEL_SDK_DISABLED",
            "yes",
            "use true or false; false is used instead",
            exports_all,
        ),
        warned(
            "OTEL_RUST_STRICT",
            "on",
            "; false is used instead",
            exports_all,
        ),
        warned(
            "OTEL_RUST_CONTEXT_LOSS_DETECTION",
            "1",
            "; false is used instead",
            |it| *it.summary("is_detecting") == false,
        ),
        accepted("OTEL_RUST_CONTEXT_LOSS_DETECTION", " TRUE ", |it| {
            *it.summary("is_detecting") == true
        }),
        warned(
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "many",
            "; 2048 is used instead",
            exports_all,
        ),
        warned(
            "OTEL_BLRP_MAX_QUEUE_SIZE",
            "0",
            "; 2048 is used instead",
            exports_all,
        ),
        warned(
            "OTEL_BSP_SCHEDULE_DELAY",
            "5s",
            "; 5000 is used instead",
            exports_all,
        ),
        warned(
            "OTEL_METRIC_EXPORT_TIMEOUT",
            "-1",
            "; 30000 is used instead",
            exports_all,
        ),
        // All signals read it.
        warned(
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "10s",
            "; 10000 is used instead",
            exports_all,
        ),
        warned(
            "OTEL_SPAN_EVENT_COUNT_LIMIT",
            "-1",
            "; 128 is used instead",
            exports_all,
        ),
        warned(
            "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
            "1.5",
            "; the variable is ignored",
            exports_all,
        ),
        warned(
            "OTEL_TRACES_SAMPLER",
            "jaeger_remote",
            "; parentbased_always_on is used instead",
            |it| exports_all(it) && it.started("sampler") == "parentbased_always_on",
        ),
        warned(
            "OTEL_TRACES_SAMPLER_ARG",
            "25%",
            "; 1.0 is used instead",
            exports_all,
        ),
        warned(
            "OTEL_PROPAGATORS",
            "b3,xray",
            "; b3 is used instead",
            |it| {
                *it.summary("sent") == serde_json::json!(["b3"])
                    && it.started("propagators") == "b3"
            },
        ),
        accepted("OTEL_PROPAGATORS", " NONE", |it| {
            *it.summary("sent") == serde_json::json!([])
        }),
        warned(
            "OTEL_TRACES_EXPORTER",
            "zipkin",
            "; none is used instead",
            |it| {
                *it.summary("exports") == serde_json::json!(["/v1/metrics"])
                    && it.started("traces") == "none"
            },
        ),
        warned(
            "OTEL_METRICS_EXPORTER",
            "prometheus,otlp",
            "; otlp is used instead",
            exports_all,
        ),
        warned(
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http/json",
            "; http/protobuf is used instead",
            |it| {
                exports_all(it)
                    && it
                        .started("traces")
                        .starts_with("http/protobuf http://127.0.0.1:")
            },
        ),
        warned(
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "zstd",
            "; none is used instead",
            exports_all,
        ),
        warned(
            "OTEL_METRICS_EXEMPLAR_FILTER",
            "trace_based",
            "; always_off is used instead",
            exports_all,
        ),
        warned(
            "OTEL_RESOURCE_ATTRIBUTES",
            "api_key=s3cret,zone",
            "; the variable is ignored",
            exports_all,
        ),
        warned("OTEL_CONFIG_FILE", "otel.yaml", "", exports_all),
        accepted("OTEL_SERVICE_NAME", " shop ", |it| {
            it.started("service") == "shop"
        }),
    ];
    rows.extend(not_unicode().map(|value| {
        warned(
            "OTEL_SERVICE_NAME",
            value,
            "; the variable is ignored",
            |it| it.started("service") == "checkout",
        )
    }));
    rows
}

/// The variables about log lines.
pub(crate) fn lines() -> Vec<Row> {
    let mut rows = vec![
        accepted("RUST_LOG", "", writes_info),
        accepted("RUST_LOG", " warn ", |it| {
            it.program_lines() == ["ERROR line", "WARN line"]
        }),
        accepted("RUST_LOG", "info,,shop=debug,", |it| {
            it.program_lines() == ["ERROR line", "WARN line", "INFO line", "DEBUG line of shop"]
        }),
        accepted("RUST_LOG", "OFF", |it| {
            it.program_lines().is_empty() && exports_all(it)
        }),
        warned("RUST_LOG", "a=b=c", "; info is used instead", writes_info),
        warned(
            "RUST_LOG",
            "shop=verbose",
            "; info is used instead",
            writes_info,
        ),
        warned("RUST_LOG", ",", "; info is used instead", writes_info),
        warned("RUST_LOG", "[", "; info is used instead", writes_info),
        warned(
            "OTEL_LOG_LEVEL",
            "verbose",
            "; the variable is ignored",
            writes_info,
        ),
        warned(
            "OTEL_LOG_LEVEL",
            "3",
            "; the variable is ignored",
            writes_info,
        ),
        accepted("OTEL_LOG_LEVEL", " None ", |it| {
            it.program_lines() == INFO && it.started("service").is_empty()
        }),
        accepted("OTEL_LOG_LEVEL", "INFO", writes_info),
        accepted("OTEL_LOG_LEVEL", "", writes_info),
        warned(
            "OTEL_RUST_LOG_FORMAT",
            "xml",
            "; json is used instead",
            writes_json,
        ),
        warned(
            "OTEL_RUST_LOG_FORMAT",
            "json,pretty",
            "; json is used instead",
            writes_json,
        ),
        accepted("OTEL_RUST_LOG_FORMAT", " JSON ", writes_json),
        accepted("OTEL_RUST_LOG_FORMAT", "", writes_json),
        accepted("OTEL_RUST_LOG_FORMAT", "Pretty", |it| {
            it.program_lines() == INFO && it.started("service").is_empty() && exports_all(it)
        }),
    ];
    for name in ["RUST_LOG", "OTEL_RUST_LOG_FORMAT"] {
        rows.extend(
            not_unicode().map(|value| warned(name, value, " is used instead", writes_json)),
        );
    }
    rows
}
