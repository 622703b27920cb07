//! Every variable that the set-up reads, with its type and its default.
//!
//! The specification's tables are in `configuration/sdk-environment-variables.md` and `protocol/exporter.md`. Names that begin with
//! `OTEL_RUST_` are ours.

use std::collections::HashSet;
use std::time::Duration;

use opentelemetry_sdk::metrics::Temporality;
use otel_core::context_loss;

use super::choices::{Aggregation, Compressed, ExemplarFilter, OwnLevel, SamplerName, Wire};
use super::environment::Environment;
use super::lists::{Attributes, Directives, Exporters, LogExporters, PropagatorNames};
use super::numbers::{Count, Delay, Limit, Ratio, Timeout};
use super::row::Row;
use super::variable::{Scope, SignalVariable, Unsupported, Variable};
use crate::export::{Compression, Protocol};
use crate::lines::LogFormat;
use crate::warning::{EventName, Warning};

const fn process<T>(name: &'static str, default: fn() -> T) -> Variable<T> {
    Variable {
        name,
        scope: Scope::Process,
        default,
    }
}

const fn export<T>(name: &'static str, default: fn() -> T) -> Variable<T> {
    Variable {
        name,
        scope: Scope::Export,
        default,
    }
}

const fn signal<T>(setting: &'static str, default: fn() -> T) -> SignalVariable<T> {
    SignalVariable { setting, default }
}

/// Any value of this variable is a warning.
const fn unsupported(name: &'static str, scope: Scope, reason: &'static str) -> Unsupported {
    Unsupported {
        name,
        scope,
        reason,
        is_unsupported: |_| true,
    }
}

const fn milliseconds(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) static STRICT: Variable<bool> = process("OTEL_RUST_STRICT", || false);
pub(crate) static SDK_DISABLED: Variable<bool> = process("OTEL_SDK_DISABLED", || false);
pub(crate) static SERVICE_NAME: Variable<Option<String>> = process("OTEL_SERVICE_NAME", || None);
pub(crate) static RESOURCE_ATTRIBUTES: Variable<Attributes> =
    process("OTEL_RESOURCE_ATTRIBUTES", Attributes::default);
pub(crate) static PROPAGATORS: Variable<Option<PropagatorNames>> =
    process("OTEL_PROPAGATORS", || None);
pub(crate) static CONTEXT_LOSS: Variable<bool> = process(context_loss::VARIABLE, || false);

pub(crate) static RUST_LOG: Variable<Option<Directives>> = process("RUST_LOG", || None);
pub(crate) static LOG_LEVEL: Variable<Option<OwnLevel>> = process("OTEL_LOG_LEVEL", || None);
pub(crate) static LOG_FORMAT: Variable<Option<LogFormat>> =
    process("OTEL_RUST_LOG_FORMAT", || None);

pub(crate) static SAMPLER: Variable<Option<SamplerName>> = export("OTEL_TRACES_SAMPLER", || None);
pub(crate) static SAMPLER_ARGUMENT: Variable<Ratio> =
    export("OTEL_TRACES_SAMPLER_ARG", || Ratio(1.0));

pub(crate) static TRACES_EXPORTER: Variable<Exporters> =
    export("OTEL_TRACES_EXPORTER", || Exporters::OTLP);
pub(crate) static METRICS_EXPORTER: Variable<Exporters> =
    export("OTEL_METRICS_EXPORTER", || Exporters::OTLP);
/// The specification's default is `otlp`. The lines are written in any case, and a collector that reads them would store each twice.
pub(crate) static LOGS_EXPORTER: Variable<LogExporters> =
    export("OTEL_LOGS_EXPORTER", || LogExporters(Exporters::NONE));

pub(crate) static ENDPOINT: SignalVariable<String> = signal("ENDPOINT", String::new);
pub(crate) static HEADERS: SignalVariable<String> = signal("HEADERS", String::new);
pub(crate) static CERTIFICATE: SignalVariable<String> = signal("CERTIFICATE", String::new);
pub(crate) static CLIENT_CERTIFICATE: SignalVariable<String> =
    signal("CLIENT_CERTIFICATE", String::new);
pub(crate) static CLIENT_KEY: SignalVariable<String> = signal("CLIENT_KEY", String::new);
pub(crate) static INSECURE: SignalVariable<bool> = signal("INSECURE", || false);
pub(crate) static PROTOCOL: SignalVariable<Wire> =
    signal("PROTOCOL", || Wire(Protocol::HttpProtobuf));
pub(crate) static COMPRESSION: SignalVariable<Compressed> =
    signal("COMPRESSION", || Compressed(Compression::None));
pub(crate) static OTLP_TIMEOUT: SignalVariable<Timeout> =
    signal("TIMEOUT", || Timeout(milliseconds(10_000)));
pub(crate) static TEMPORALITY: Variable<Temporality> =
    export("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", || {
        Temporality::Cumulative
    });
pub(crate) static HISTOGRAM_AGGREGATION: Variable<Aggregation> = export(
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    || Aggregation::ExplicitBuckets,
);

/// The variables of a batch processor.
pub(crate) struct Batch {
    pub(crate) queue: Variable<Count>,
    pub(crate) batch: Variable<Count>,
    pub(crate) delay: Variable<Delay>,
    pub(crate) timeout: Variable<Timeout>,
}

pub(crate) static SPAN_BATCH: Batch = Batch {
    queue: export("OTEL_BSP_MAX_QUEUE_SIZE", || Count(2048)),
    batch: export("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", || Count(512)),
    delay: export("OTEL_BSP_SCHEDULE_DELAY", || Delay(milliseconds(5000))),
    timeout: export("OTEL_BSP_EXPORT_TIMEOUT", || Timeout(milliseconds(30_000))),
};
pub(crate) static LOG_BATCH: Batch = Batch {
    queue: export("OTEL_BLRP_MAX_QUEUE_SIZE", || Count(2048)),
    batch: export("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", || Count(512)),
    delay: export("OTEL_BLRP_SCHEDULE_DELAY", || Delay(milliseconds(1000))),
    timeout: export("OTEL_BLRP_EXPORT_TIMEOUT", || Timeout(milliseconds(30_000))),
};
pub(crate) static METRIC_INTERVAL: Variable<Delay> = export("OTEL_METRIC_EXPORT_INTERVAL", || {
    Delay(milliseconds(60_000))
});
pub(crate) static METRIC_TIMEOUT: Variable<Timeout> = export("OTEL_METRIC_EXPORT_TIMEOUT", || {
    Timeout(milliseconds(30_000))
});
static EXEMPLAR_FILTER: Variable<ExemplarFilter> =
    export("OTEL_METRICS_EXEMPLAR_FILTER", || ExemplarFilter::AlwaysOff);

pub(crate) static ATTRIBUTE_COUNT: Variable<Limit> =
    export("OTEL_ATTRIBUTE_COUNT_LIMIT", || Limit(128));
pub(crate) static ATTRIBUTE_LENGTH: Variable<Option<Limit>> =
    export("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", || None);
pub(crate) static SPAN_ATTRIBUTE_COUNT: Variable<Option<Limit>> =
    export("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", || None);
pub(crate) static SPAN_ATTRIBUTE_LENGTH: Variable<Option<Limit>> =
    export("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", || None);
pub(crate) static SPAN_EVENTS: Variable<Limit> =
    export("OTEL_SPAN_EVENT_COUNT_LIMIT", || Limit(128));
pub(crate) static SPAN_LINKS: Variable<Limit> = export("OTEL_SPAN_LINK_COUNT_LIMIT", || Limit(128));
pub(crate) static EVENT_ATTRIBUTES: Variable<Limit> =
    export("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", || Limit(128));
pub(crate) static LINK_ATTRIBUTES: Variable<Limit> =
    export("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", || Limit(128));
pub(crate) static RECORD_ATTRIBUTE_COUNT: Variable<Option<Limit>> =
    export("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", || None);
pub(crate) static RECORD_ATTRIBUTE_LENGTH: Variable<Option<Limit>> =
    export("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", || None);

const NO_FILES: &str = "configuration files are not supported; use the other OTEL_ variables";
const NO_ZIPKIN: &str = "there is no Zipkin exporter; use otlp";
const NO_PROMETHEUS: &str = "there is no Prometheus exporter; use otlp";

static CONFIG_FILE: Unsupported = unsupported("OTEL_CONFIG_FILE", Scope::Process, NO_FILES);
static OLD_CONFIG_FILE: Unsupported =
    unsupported("OTEL_EXPERIMENTAL_CONFIG_FILE", Scope::Process, NO_FILES);
static ENTITIES: Unsupported = unsupported(
    "OTEL_ENTITIES",
    Scope::Process,
    "entities are not supported; use OTEL_RESOURCE_ATTRIBUTES",
);
static ZIPKIN_ENDPOINT: Unsupported =
    unsupported("OTEL_EXPORTER_ZIPKIN_ENDPOINT", Scope::Export, NO_ZIPKIN);
static ZIPKIN_TIMEOUT: Unsupported =
    unsupported("OTEL_EXPORTER_ZIPKIN_TIMEOUT", Scope::Export, NO_ZIPKIN);
/// The specification reserves the name.
static ZIPKIN_PROTOCOL: Unsupported =
    unsupported("OTEL_EXPORTER_ZIPKIN_PROTOCOL", Scope::Export, NO_ZIPKIN);
static PROMETHEUS_HOST: Unsupported = unsupported(
    "OTEL_EXPORTER_PROMETHEUS_HOST",
    Scope::Export,
    NO_PROMETHEUS,
);
static PROMETHEUS_PORT: Unsupported = unsupported(
    "OTEL_EXPORTER_PROMETHEUS_PORT",
    Scope::Export,
    NO_PROMETHEUS,
);
static OLD_SPAN_INSECURE: Unsupported = unsupported(
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE",
    Scope::Export,
    "the name is obsolete; use OTEL_EXPORTER_OTLP_TRACES_INSECURE",
);
static OLD_METRIC_INSECURE: Unsupported = unsupported(
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
    Scope::Export,
    "the name is obsolete; use OTEL_EXPORTER_OTLP_METRICS_INSECURE",
);
/// It is set for all services of a fleet while some of them still change their attributes.
static STABILITY: Unsupported = Unsupported {
    name: "OTEL_SEMCONV_STABILITY_OPT_IN",
    scope: Scope::Export,
    reason: "attributes of HTTP have only their stable names",
    is_unsupported: |value| {
        let mut parts = value.split(',').map(str::trim);
        parts.any(|part| part.eq_ignore_ascii_case("http/dup"))
    },
};
static EXCEPTION_SIGNAL: Unsupported = unsupported(
    "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN",
    Scope::Export,
    "exceptions are recorded only on their spans",
);

static TABLE: [&dyn Row; 58] = [
    &STRICT,
    &SDK_DISABLED,
    &SERVICE_NAME,
    &RESOURCE_ATTRIBUTES,
    &PROPAGATORS,
    &CONTEXT_LOSS,
    &RUST_LOG,
    &LOG_LEVEL,
    &LOG_FORMAT,
    &SAMPLER,
    &SAMPLER_ARGUMENT,
    &TRACES_EXPORTER,
    &METRICS_EXPORTER,
    &LOGS_EXPORTER,
    &ENDPOINT,
    &HEADERS,
    &CERTIFICATE,
    &CLIENT_CERTIFICATE,
    &CLIENT_KEY,
    &INSECURE,
    &PROTOCOL,
    &COMPRESSION,
    &OTLP_TIMEOUT,
    &TEMPORALITY,
    &HISTOGRAM_AGGREGATION,
    &SPAN_BATCH.queue,
    &SPAN_BATCH.batch,
    &SPAN_BATCH.delay,
    &SPAN_BATCH.timeout,
    &LOG_BATCH.queue,
    &LOG_BATCH.batch,
    &LOG_BATCH.delay,
    &LOG_BATCH.timeout,
    &METRIC_INTERVAL,
    &METRIC_TIMEOUT,
    &EXEMPLAR_FILTER,
    &ATTRIBUTE_COUNT,
    &ATTRIBUTE_LENGTH,
    &SPAN_ATTRIBUTE_COUNT,
    &SPAN_ATTRIBUTE_LENGTH,
    &SPAN_EVENTS,
    &SPAN_LINKS,
    &EVENT_ATTRIBUTES,
    &LINK_ATTRIBUTES,
    &RECORD_ATTRIBUTE_COUNT,
    &RECORD_ATTRIBUTE_LENGTH,
    &CONFIG_FILE,
    &OLD_CONFIG_FILE,
    &ENTITIES,
    &ZIPKIN_ENDPOINT,
    &ZIPKIN_TIMEOUT,
    &ZIPKIN_PROTOCOL,
    &PROMETHEUS_HOST,
    &PROMETHEUS_PORT,
    &OLD_SPAN_INSECURE,
    &OLD_METRIC_INSECURE,
    &STABILITY,
    &EXCEPTION_SIGNAL,
];

/// Adds a warning for each variable of this scope that cannot be used, also if nothing reads it in this set-up.
pub(crate) fn check(environment: &Environment, scope: Scope) {
    for row in TABLE.iter().filter(|row| row.scope() == scope) {
        row.check(environment);
    }
}

/// Adds a warning for each variable that the program overrides and nothing reads.
pub(crate) fn check_overrides(environment: &Environment) {
    let known: HashSet<_> = TABLE.iter().flat_map(|row| row.names()).collect();
    for name in environment.overridden() {
        if !known.contains(name) {
            environment.add(Warning::new(
                EventName::InvalidSetting,
                format!(
                    "the program overrides the variable {name:?}, which otel-setup does not read; use a name of the table in the docs of \
                     otel_setup"
                ),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of the docs' tables of variables.
    fn documented() -> Vec<(String, String)> {
        let docs = include_str!("../lib.rs").lines();
        let rows = docs.filter_map(|line| line.strip_prefix("//! | `"));
        let mut documented = Vec::new();
        for row in rows {
            let mut columns = row.split('|').map(str::trim);
            let (names, default) = (columns.next().unwrap(), columns.nth(1).unwrap_or_default());
            let names = names.split(',').map(|name| name.trim().trim_matches('`'));
            let variables = names.filter(|name| name.contains('_'));
            documented.extend(variables.map(|name| (name.to_owned(), default.to_owned())));
        }
        documented
    }

    #[test]
    fn the_docs_name_each_variable_with_its_default() {
        let documented = documented();
        let mut names: Vec<_> = documented.iter().map(|(name, _)| name.as_str()).collect();
        let rows: Vec<_> = TABLE.iter().map(|row| row.names().remove(0)).collect();
        let mut expected: Vec<_> = rows.iter().map(String::as_str).collect();
        names.sort_unstable();
        expected.sort_unstable();
        assert_eq!(names, expected);
        for row in TABLE {
            let (name, default) = (row.names().remove(0), row.default());
            let (_, shown) = documented.iter().find(|(it, _)| *it == name).unwrap();
            if !default.is_empty() {
                assert!(
                    shown.starts_with(&format!("`{default}`")),
                    "{name}: {shown}"
                );
            }
        }
    }
}
