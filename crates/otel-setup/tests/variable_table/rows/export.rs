//! How signals are exported.

use super::{NOT_BOOLEANS, accepted, boolean, exported, invalid, partly, signals};
use crate::check::{Row, Variable};
use crate::probe;

pub(crate) fn exporters() -> Vec<Variable> {
    let unknown = [
        "otlp/stdout",
        "logging",
        "zipkin",
        "prometheus",
        "jaeger",
        "http",
        "-",
        "otlp;console",
        "true",
    ];
    let exporters = |name, default: &str, different: &str, only: &[(&str, &str)]| {
        // An exporter that does not exist counts as none.
        let unknown = unknown.iter().map(|value| (*value, "none"));
        let mut rows = partly(&unknown.collect::<Vec<_>>());
        rows.extend(partly(&[
            ("otlp,zipkin", "otlp"),
            ("zipkin,otlp", "otlp"),
            ("zipkin, prometheus", "none"),
            ("none,otlp", "otlp"),
            ("otlp,none,", "otlp"),
            ("none,zipkin", "none"),
        ]));
        // A list without a member says nothing.
        for value in [",", " , ,"] {
            rows.push(Row::warned(
                value,
                default,
                format!("; {default} is used instead"),
            ));
        }
        rows.extend(
            super::not_unicode().map(|value| Row::warned(value, "none", "; none is used instead")),
        );
        rows.extend(accepted(&[
            ("OTLP", "otlp"),
            (" Otlp ", "otlp"),
            ("otlp,otlp", "otlp"),
            (",otlp,", "otlp"),
            ("NONE", "none"),
            ("none,none", "none"),
        ]));
        if cfg!(feature = "console") {
            // The console is not the endpoint.
            rows.extend(accepted(&[("otlp,CONSOLE", "otlp"), ("console", "none")]));
        } else {
            rows.extend(partly(&[("otlp,console", "otlp"), ("console", "none")]));
        }
        exported(name, default, different, rows).with(only)
    };
    let mut variables = vec![
        exporters("OTEL_TRACES_EXPORTER", "otlp", "none", &super::ONLY_SPANS),
        exporters(
            "OTEL_METRICS_EXPORTER",
            "otlp",
            "none",
            &super::ONLY_METRICS,
        ),
    ];
    if cfg!(feature = "logs") {
        let unset = [("OTEL_LOGS_EXPORTER", "")];
        let logs = exporters("OTEL_LOGS_EXPORTER", "none", "otlp", &super::ONLY_RECORDS);
        variables.push(logs.with(&unset));
    } else {
        // Each exporter needs the feature.
        let rows = partly(&[
            ("otlp", "none"),
            ("console", "none"),
            ("otlp,console", "none"),
            ("zipkin", "none"),
        ]);
        variables.push(exported("OTEL_LOGS_EXPORTER", "none", "", rows));
    }
    variables
}

/// Makes the variable for all signals and that of each signal, and that of each signal with another value for all signals.
fn for_signals(
    setting: &str,
    default: &str,
    for_all: &str,
    make: impl Fn(&str, &str, &str) -> Variable,
) -> Vec<Variable> {
    let general = format!("OTEL_EXPORTER_OTLP_{setting}");
    let mut variables = vec![make(&general, default, for_all)];
    for (signal, only) in signals() {
        let own = format!("OTEL_EXPORTER_OTLP_{signal}_{setting}");
        variables.push(make(&own, default, for_all).with(&only));
        if !for_all.is_empty() {
            let with_general = make(&own, for_all, default).with(&only);
            variables.push(with_general.with(&[(&general, for_all)]));
        }
    }
    variables
}

fn compression(name: &str, default: &str, different: &str) -> Variable {
    let mut rows = invalid(
        [
            "zstd",
            "deflate",
            "br",
            "true",
            "gzip,none",
            "gzip -9",
            "-1",
            "snappy",
            "gz",
        ],
        default,
        default,
    );
    let names = [
        ("NONE", "none"),
        ("None", "none"),
        ("GZIP", "gzip"),
        ("gzip\t", "gzip"),
    ];
    let names = names
        .iter()
        .filter(|(_, same_as)| *same_as == default || *same_as == different);
    rows.extend(accepted(&names.copied().collect::<Vec<_>>()));
    if default == "none" {
        rows.extend(accepted(&[(" none ", "none")]));
    }
    exported(name, default, different, rows)
}

pub(crate) fn over_http() -> Vec<Variable> {
    let gzip = if cfg!(feature = "gzip") { "gzip" } else { "" };
    let mut variables = for_signals("COMPRESSION", "none", gzip, compression);
    if gzip.is_empty() {
        for variable in &mut variables {
            variable.rows.extend(partly(&[("gzip", "none")]));
        }
    }
    let grpc = if cfg!(feature = "grpc") { "grpc" } else { "" };
    variables.extend(for_signals(
        "PROTOCOL",
        "http/protobuf",
        grpc,
        |name, default, different| {
            let unknown = [
                "http/json",
                "http",
                "udp",
                "grpc,http/protobuf",
                "http/protobuf;q=1",
                "https",
                "thrift",
                "gRPC-web",
                "2",
            ];
            let mut rows = invalid(unknown, default, default);
            rows.extend(accepted(&[(" HTTP/Protobuf ", "http/protobuf")]));
            if grpc.is_empty() {
                rows.extend(invalid(["grpc", "GRPC"], default, default));
            } else {
                rows.extend(accepted(&[("GRPC", "grpc"), (" gRPC", "grpc")]));
            }
            exported(name, default, different, rows)
        },
    ));
    let temporality = invalid(
        [
            "Cumulative,delta",
            "low_memory",
            "low-memory",
            "none",
            "true",
            "0",
        ],
        "cumulative",
        "cumulative",
    );
    let names = accepted(&[
        ("CUMULATIVE", "cumulative"),
        (" Delta ", "delta"),
        ("LowMemory", "lowmemory"),
    ]);
    for different in ["delta", "lowmemory"] {
        let name = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
        let rows = [&*temporality, &*names].concat();
        variables.push(exported(name, "cumulative", different, rows).with(&super::ONLY_METRICS));
    }
    let (explicit, exponential) = (
        "explicit_bucket_histogram",
        "base2_exponential_bucket_histogram",
    );
    let mut rows = invalid(
        [
            "exponential",
            "base2",
            "histogram",
            "summary",
            "explicit_bucket_histogram,",
            "drop",
        ],
        explicit,
        explicit,
    );
    rows.extend(accepted(&[
        (" Explicit_Bucket_Histogram", explicit),
        ("BASE2_EXPONENTIAL_BUCKET_HISTOGRAM", exponential),
    ]));
    let name = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION";
    variables.push(exported(name, explicit, exponential, rows).with(&super::ONLY_METRICS));
    // The SDK has no exemplars.
    let rows = invalid(
        [
            "trace_based",
            "TRACE_BASED",
            "always_on",
            "with_sampled_trace",
            "none",
            "true",
        ],
        "always_off",
        "always_off",
    );
    let rows = [
        rows,
        accepted(&[("ALWAYS_OFF", "always_off"), (" always_off ", "always_off")]),
    ]
    .concat();
    variables.push(
        exported("OTEL_METRICS_EXEMPLAR_FILTER", "always_off", "", rows).with(&super::ONLY_METRICS),
    );
    variables
}

/// What is different over gRPC.
pub(crate) fn over_grpc() -> Vec<Variable> {
    if !cfg!(feature = "grpc") {
        return Vec::new();
    }
    let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    let mut variables: Vec<_> = for_signals("COMPRESSION", "none", "gzip", compression);
    if cfg!(feature = "tls") {
        variables.extend(insecure());
    }
    variables
        .into_iter()
        .map(|variable| variable.with(&grpc))
        .collect()
}

/// Endpoints without a scheme. `false` is a connection over TLS, which the receiver closes.
fn insecure() -> Vec<Variable> {
    let no_scheme = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "{address}"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "10"),
    ];
    let general = "OTEL_EXPORTER_OTLP_INSECURE";
    let mut variables = vec![boolean(general, &NOT_BOOLEANS).with(&super::ONLY_SPANS)];
    for (signal, only) in signals() {
        let name = format!("OTEL_EXPORTER_OTLP_{signal}_INSECURE");
        variables.push(boolean(&name, &["yes", "1"]).with(&only));
        // What is not true is false, also if the variable for all signals is true.
        let mut rows = invalid(["yes", "1"], "false", "false");
        rows.extend(accepted(&[("TRUE", "true"), ("False", "false")]));
        let own = exported(&name, "true", "false", rows).with(&only);
        variables.push(own.with(&[(general, "true")]));
    }
    let with_endpoint = |mut variable: Variable| {
        variable.probe = probe::connection;
        variable.with(&no_scheme)
    };
    variables.into_iter().map(with_endpoint).collect()
}
