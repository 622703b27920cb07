//! Which spans and events the layer sees.

use std::str::FromStr;

use otel_core::telemetry_crates;
use tracing_core::{Interest, Level, LevelFilter, Metadata};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter};

use crate::filter_error::SpanFilterError;

/// Libraries whose spans below INFO describe the transport: one request has dozens of them.
const TRANSPORT: [&str; 4] = ["h2", "hyper", "tonic", "tower"];
/// The span of this target is open around a function on AWS Lambda, and ends only when the next function starts, so it would be a parent
/// that arrives late or never.
const LAMBDA: &str = "lambda_runtime";
/// The field of an event that `#[instrument(err)]` makes.
const ERROR: &str = "error";

/// The lowest level of the spans that are made, for each target.
///
/// Parsed from directives as in `RUST_LOG`, separated by commas:
///
/// | directive | meaning |
/// | --- | --- |
/// | `debug` | the level of all targets that no other directive names. Default: INFO |
/// | `shop::sql=debug` | the level of targets that begin with `shop::sql`. A longer target wins |
/// | `shop::sql` | all spans of these targets |
///
/// Below INFO, spans of the targets `h2`, `hyper`, `tonic` and `tower` stay off unless a directive names them, because one request
/// has dozens of them. The span that the crate `lambda_runtime` opens around a request is off unless a directive names the target,
/// because it ends too late to be exported with the request. Directives with `[...]`, which select by name and field, are errors.
///
/// # Examples
///
/// ```
/// use opentelemetry_sdk::trace::SdkTracerProvider;
/// use otel_tracing::SpanFilter;
/// use tracing_subscriber::prelude::*;
///
/// let provider = SdkTracerProvider::builder().build(); // and an exporter
/// let filter: SpanFilter = "info,shop::sql=debug".parse()?;
/// let subscriber = tracing_subscriber::registry().with(otel_tracing::layer(&provider).with_span_filter(filter));
/// # drop(subscriber);
/// # Ok::<(), otel_tracing::SpanFilterError>(())
/// ```
// Each callsite is decided once.
#[derive(Debug, Clone)]
pub struct SpanFilter {
    level: LevelFilter,
    named: Vec<(String, LevelFilter)>,
    targets: Targets,
    pub(crate) events: EventFilter,
}

/// Which events the layer sees.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventFilter {
    pub(crate) all: bool,
    pub(crate) errors: bool,
    pub(crate) error_fields: bool,
}

impl SpanFilter {
    /// Enables spans of INFO and above.
    pub(crate) fn new(events: EventFilter) -> Self {
        let filter = Self {
            level: LevelFilter::INFO,
            named: Vec::new(),
            targets: Targets::new(),
            events,
        };
        filter.with_targets()
    }

    pub(crate) fn with_level(mut self, level: LevelFilter) -> Self {
        self.level = level;
        self.with_targets()
    }

    pub(crate) fn with_target(mut self, target: String, level: LevelFilter) -> Self {
        self.named.push((target, level));
        self.with_targets()
    }

    /// Adds a directive. Returns `None` if it cannot be parsed.
    fn add(&mut self, directive: &str) -> Option<()> {
        let (target, level) = match directive.split_once('=') {
            Some((target, level)) => (target.trim(), Some(level.trim())),
            None => (directive, None),
        };
        // Names and fields of spans are in brackets. An empty level would be ERROR.
        if target.is_empty() || target.contains(['[', ']', '{', '}']) || level == Some("") {
            return None;
        }
        match level {
            Some(level) => self.named.push((target.to_owned(), level.parse().ok()?)),
            None => match target.parse() {
                Ok(level) => self.level = level,
                Err(_) => self.named.push((target.to_owned(), LevelFilter::TRACE)),
            },
        }
        Some(())
    }

    fn with_targets(mut self) -> Self {
        let transport = TRANSPORT.map(|name| (name, self.level.min(LevelFilter::INFO)));
        // Of two levels for one target the later counts.
        self.targets = Targets::new()
            .with_default(self.level)
            .with_targets(transport)
            .with_target(LAMBDA, LevelFilter::OFF)
            .with_targets(self.named.clone());
        self
    }

    /// Returns the filter as [`Targets`], for another layer that makes spans.
    #[must_use]
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    pub(crate) fn is_enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Asked for each event that another layer wants, so most events are refused without a look at the targets.
        (metadata.is_span() || self.events.is_enabled(metadata))
            && self
                .targets
                .would_enable(metadata.target(), metadata.level())
    }
}

impl Default for SpanFilter {
    /// Enables spans of INFO and above.
    fn default() -> Self {
        Self::new(EventFilter {
            all: false,
            errors: false,
            error_fields: false,
        })
    }
}

impl FromStr for SpanFilter {
    type Err = SpanFilterError;

    fn from_str(directives: &str) -> Result<Self, SpanFilterError> {
        let mut filter = Self::default();
        let given = directives.split(',').map(str::trim);
        let given: Vec<_> = given.filter(|directive| !directive.is_empty()).collect();
        if given.is_empty()
            || given
                .iter()
                .any(|directive| filter.add(directive).is_none())
        {
            return Err(SpanFilterError::new(directives));
        }
        Ok(filter.with_targets())
    }
}

impl EventFilter {
    #[inline]
    fn is_enabled(self, metadata: &Metadata<'_>) -> bool {
        let is_wanted = self.all
            || (self.errors && *metadata.level() == Level::ERROR)
            || (self.error_fields && metadata.fields().field(ERROR).is_some());
        // What OpenTelemetry logs about itself does not belong to a span.
        is_wanted && !telemetry_crates::is_own(metadata.target())
    }
}

impl<S> Filter<S> for SpanFilter {
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.is_enabled(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.is_enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let levels = self.named.iter().map(|(_, level)| *level);
        Some(levels.fold(self.level, LevelFilter::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(filter: &SpanFilter, target: &str) -> Vec<bool> {
        [Level::INFO, Level::DEBUG, Level::TRACE]
            .iter()
            .map(|level| filter.targets.would_enable(target, level))
            .collect()
    }

    fn filter() -> SpanFilter {
        SpanFilter::new(EventFilter {
            all: false,
            errors: true,
            error_fields: true,
        })
    }

    #[test]
    fn directives_set_the_level_of_each_target() {
        for (directives, target, expected) in [
            ("debug", "shop::cart", [true, true, false]),
            ("DEBUG", "h2::client", [true, false, false]),
            ("info,shop::sql=debug", "shop::sql", [true, true, false]),
            ("info,shop::sql=debug", "shop::cart", [true, false, false]),
            // Every other target keeps the default level.
            (" shop::sql = debug ,", "shop::sql", [true, true, false]),
            ("shop::sql=debug", "otel_tower", [true, false, false]),
            ("off,shop=info", "otel_tower", [false, false, false]),
            ("off,shop=info", "shop", [true, false, false]),
            ("shop", "shop::cart", [true, true, true]),
            ("trace,h2=debug", "h2::client", [true, true, false]),
            ("trace,h2=debug", "hyper::proto", [true, false, false]),
            ("shop=debug,shop=info", "shop", [true, false, false]),
            ("shop=off,shop::sql=5", "shop::sql", [true, true, true]),
            ("trace", "lambda_runtime", [false, false, false]),
            ("info,lambda_runtime", "lambda_runtime", [true, true, true]),
        ] {
            let filter: SpanFilter = directives.parse().unwrap();
            assert_eq!(levels(&filter, target), expected, "{directives}, {target}");
            let info = filter.targets().would_enable(target, &Level::INFO);
            assert_eq!([info], expected[..1], "{directives}, {target}");
        }
    }

    #[test]
    fn directives_that_cannot_be_parsed_are_an_error_that_shows_them() {
        for directives in [
            "",
            " , ",
            "shop=loud",
            "info,shop=",
            "=debug",
            "shop=debug=info",
            "[request]=debug",
            "shop[{id}]=debug",
            "info,shop[request{id=7}]=debug",
        ] {
            let error = directives.parse::<SpanFilter>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{directives:?} ")), "{error}");
            assert!(error.contains("my_crate::sql=debug"), "{error}");
        }
    }

    #[test]
    fn spans_of_the_transport_below_info_need_their_name() {
        assert_eq!(levels(&filter(), "shop::cart"), [true, false, false]);
        let debug = filter().with_level(LevelFilter::DEBUG);
        assert_eq!(levels(&debug, "shop::cart"), [true, true, false]);
        assert_eq!(levels(&debug, "h2::client"), [true, false, false]);
        let named = debug.with_target("h2".to_owned(), LevelFilter::TRACE);
        assert_eq!(levels(&named, "h2::client"), [true, true, true]);
        assert_eq!(levels(&named, "hyper::proto"), [true, false, false]);
        let warn = filter().with_level(LevelFilter::WARN);
        assert_eq!(levels(&warn, "h2::client"), [false, false, false]);
        let hint = Filter::<tracing_subscriber::Registry>::max_level_hint(&named);
        assert_eq!(hint, Some(LevelFilter::TRACE));
    }
}
