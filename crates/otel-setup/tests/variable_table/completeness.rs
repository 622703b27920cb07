//! Whether the table has each variable: of the specification, and of the crate's docs.

use std::collections::BTreeSet;

use crate::rows;

/// The names in `configuration/sdk-environment-variables.md` of the specification, without those of the OTLP exporter.
const SPECIFICATION: [&str; 39] = [
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_BLRP_EXPORT_TIMEOUT",
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_CONFIG_FILE",
    "OTEL_ENTITIES",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_EXPERIMENTAL_CONFIG_FILE",
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
    "OTEL_EXPORTER_ZIPKIN_PROTOCOL",
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_LOGS_EXPORTER",
    "OTEL_LOG_LEVEL",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_PROPAGATORS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_TRACES_EXPORTER",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
];
/// The settings in `protocol/exporter.md`, each with a variable for all signals and one for each signal.
const OTLP: [&str; 9] = [
    "CERTIFICATE",
    "CLIENT_CERTIFICATE",
    "CLIENT_KEY",
    "COMPRESSION",
    "ENDPOINT",
    "HEADERS",
    "INSECURE",
    "PROTOCOL",
    "TIMEOUT",
];
/// The names in `protocol/exporter.md` and `metrics/sdk_exporters/otlp.md` that have one form.
const OTLP_OTHERS: [&str; 4] = [
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE",
];

fn otlp_forms(setting: &str) -> Vec<String> {
    let signals = ["", "TRACES_", "METRICS_", "LOGS_"];
    let forms = signals.map(|signal| format!("OTEL_EXPORTER_OTLP_{signal}{setting}"));
    forms.to_vec()
}

/// Returns the names of the specification.
pub(crate) fn specified() -> BTreeSet<String> {
    let single = SPECIFICATION.iter().chain(&OTLP_OTHERS);
    let single = single.map(|name| (*name).to_owned());
    single
        .chain(OTLP.iter().flat_map(|it| otlp_forms(it)))
        .collect()
}

/// Returns the names of the docs' tables.
pub(crate) fn documented() -> BTreeSet<String> {
    let docs = include_str!("../../src/lib.rs").lines();
    let rows = docs.filter_map(|line| line.strip_prefix("//! | `"));
    let names = rows.flat_map(|row| row.split('|').next().unwrap().split(','));
    let names = names.map(|name| name.trim().trim_matches('`').to_owned());
    let mut names: BTreeSet<_> = names.filter(|name| name.contains('_')).collect();
    for setting in OTLP {
        if names.contains(&format!("OTEL_EXPORTER_OTLP_{setting}")) {
            names.extend(otlp_forms(setting));
        }
    }
    names
}

/// Returns the names of the table.
pub(crate) fn tested() -> BTreeSet<String> {
    let variables = [
        rows::counts(),
        rows::delays(),
        rows::timeouts(),
        rows::limits(),
        rows::switches(),
        rows::samplers(),
        rows::names(),
        rows::exporters(),
        rows::over_http(),
        rows::over_grpc(),
        rows::obsolete(),
        rows::endpoints(),
        rows::headers(),
        rows::certificates("", "", ""),
    ];
    let names = variables
        .into_iter()
        .flatten()
        .map(|variable| variable.name);
    let processes = [rows::types(), rows::lines()].into_iter().flatten();
    names
        .chain(processes.map(|row| row.name.to_owned()))
        .collect()
}
