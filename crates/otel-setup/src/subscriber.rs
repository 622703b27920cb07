//! The `tracing` subscriber: spans to OpenTelemetry, lines to the log, each with its own filter.

use std::env;

#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::SdkLogger;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::redact::Secrets;
use otel_tracing::CallsiteFiltered;
use tracing::{Dispatch, Subscriber, callsite};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

use crate::error::SetupError;
use crate::span_layer::SpanSettings;
use crate::variable;

/// The SDK logs each failed export; [`exporter`](crate::exporter) says it once instead.
const DEFAULT_FILTER: &str =
    "info,opentelemetry=off,opentelemetry_sdk=off,opentelemetry_otlp=off,opentelemetry-otlp=off";

/// Installs the subscriber of the process. Without a provider it only writes log lines, and log records if there is a logger.
pub(crate) fn install(
    provider: Option<&SdkTracerProvider>,
    spans: SpanSettings,
    lines: &LineSettings<'_>,
) -> Result<(), SetupError> {
    let registry = Registry::default();
    let Some(provider) = provider else {
        return set_global(registry.with(lines.layer(false)?).into());
    };
    if !spans.uses_tracing_opentelemetry && otel_tracing::supports_span_ext() {
        let layer = spans.layer(provider);
        return set_global(registry.with(layer).with(lines.layer(true)?).into());
    }
    let layer = spans.tracing_opentelemetry_layer(provider);
    set_global(registry.with(layer).with(lines.layer(true)?).into())?;
    if !spans.uses_tracing_opentelemetry {
        tracing::warn!(
            target: "otel_setup",
            "OpenTelemetrySpanExt does not work on otel-tracing's spans with this release of tracing-opentelemetry; \
             spans are made by tracing-opentelemetry's layer, which costs more; report the release of tracing-opentelemetry"
        );
    }
    Ok(())
}

/// How `init` writes log lines and makes log records.
pub(crate) struct LineSettings<'a> {
    pub(crate) secrets: &'a Secrets,
    #[cfg(feature = "logs")]
    pub(crate) logger: Option<SdkLogger>,
}

impl LineSettings<'_> {
    fn layer<S>(&self, expects_ids: bool) -> Result<Box<dyn Layer<S> + Send + Sync>, SetupError>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let lines = otel_log::layer()
            .expect_ids(expects_ids)
            .secrets(self.secrets.clone());
        // Under one filter, so that there is a record if there is a line.
        #[cfg(feature = "logs")]
        let lines = lines.and_then(self.logger.clone().map(|logger| {
            let records = otel_log::record_layer(logger);
            records.secrets(self.secrets.clone())
        }));
        let filter = line_filter()?;
        // A directive such as `[span{field}]` depends on the spans that are entered.
        if filter.to_string().contains('[') {
            return Ok(lines.with_filter(filter).boxed());
        }
        Ok(CallsiteFiltered::new(lines, filter).boxed())
    }
}

fn set_global(dispatch: Dispatch) -> Result<(), SetupError> {
    let ours = dispatch.downgrade();
    // It also fails after it has succeeded: where the log crate has a logger already, which is no obstacle. What was
    // installed is kept for good, what was not is gone.
    if dispatch.try_init().is_ok() || ours.upgrade().is_some() {
        return Ok(());
    }
    // The one that is there alone decides again which callsites are on.
    callsite::rebuild_interest_cache();
    Err(SetupError::already_set_up())
}

/// `RUST_LOG` says which lines are written. It never reaches the spans: a quiet log must not cut a trace in two.
fn line_filter() -> Result<EnvFilter, SetupError> {
    let given = env::var(EnvFilter::DEFAULT_ENV).ok();
    let given = given.filter(|directives| !directives.trim().is_empty());
    let directives = match (own_level()?, &given) {
        (None, None) => DEFAULT_FILTER.to_owned(),
        (None, Some(given)) => given.clone(),
        // Of two directives for one target the later counts, and a target means all that begin with it.
        (Some(own), given) => {
            let given = given.as_deref().unwrap_or("info");
            format!("opentelemetry={own},otel_setup={own},{given}")
        }
    };
    EnvFilter::try_new(directives).map_err(|_| {
        SetupError::variable(
            EnvFilter::DEFAULT_ENV,
            given.unwrap_or_default(),
            "use directives such as info or warn,my_crate=debug",
        )
    })
}

/// `OTEL_LOG_LEVEL`, the level of the SDK's own logger, which here are the reports of this crate and what the crates of
/// OpenTelemetry log.
fn own_level() -> Result<Option<&'static str>, SetupError> {
    const NAME: &str = "OTEL_LOG_LEVEL";
    let Some(value) = variable::read(NAME)? else {
        return Ok(None);
    };
    match value.to_ascii_lowercase().as_str() {
        "none" | "off" => Ok(Some("off")),
        "error" => Ok(Some("error")),
        "warn" => Ok(Some("warn")),
        "info" => Ok(Some("info")),
        "debug" => Ok(Some("debug")),
        "trace" => Ok(Some("trace")),
        _ => {
            let expected = "use none, error, warn, info, debug or trace";
            Err(SetupError::variable(NAME, value, expected))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(rust_log: Option<&str>, own: Option<&str>) -> Result<String, SetupError> {
        let variables = [("RUST_LOG", rust_log), ("OTEL_LOG_LEVEL", own)];
        let filter = temp_env::with_vars(variables, line_filter)?.to_string();
        let mut directives: Vec<_> = filter.split(',').collect();
        directives.sort_unstable();
        Ok(directives.join(","))
    }

    #[test]
    fn rust_log_wins_over_the_level_of_telemetry_itself() {
        let table = [
            (Some("warn,shop=debug"), None, "shop=debug,warn"),
            (
                Some(" "),
                Some("Debug"),
                "info,opentelemetry=debug,otel_setup=debug",
            ),
            (None, Some("none"), "info,opentelemetry=off,otel_setup=off"),
            (
                Some("warn"),
                Some("trace"),
                "opentelemetry=trace,otel_setup=trace,warn",
            ),
            (
                Some("otel_setup=warn"),
                Some("off"),
                "opentelemetry=off,otel_setup=warn",
            ),
        ];
        for (rust_log, own, expected) in table {
            assert_eq!(filter(rust_log, own).unwrap(), expected);
        }
        let default = filter(None, None).unwrap();
        assert!(default.starts_with("info,opentelemetry"), "{default}");
        assert!(!default.contains("otel_setup"), "{default}");
    }

    #[test]
    fn what_is_no_filter_is_an_error_that_names_the_variable() {
        for (rust_log, own, name) in [
            (Some("shop=loud"), None, "RUST_LOG=\"shop=loud\""),
            (Some("shop=loud"), Some("info"), "RUST_LOG=\"shop=loud\""),
            (None, Some("loud"), "OTEL_LOG_LEVEL=\"loud\""),
        ] {
            let error = filter(rust_log, own).unwrap_err();
            assert!(error.is_invalid_variable(), "{error}");
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
