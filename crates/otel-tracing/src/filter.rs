//! Which spans and events the layer sees.

use otel_core::telemetry_crates;
use tracing_core::{Interest, Level, LevelFilter, Metadata};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter};

/// Libraries whose spans below INFO describe the transport: one request has dozens of them.
const TRANSPORT: [&str; 4] = ["h2", "hyper", "tonic", "tower"];
/// The field of an event that `#[instrument(err)]` makes.
const ERROR: &str = "error";

/// Decides by target and level. Each callsite is decided once.
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

    fn with_targets(mut self) -> Self {
        let transport = TRANSPORT.map(|name| (name, self.level.min(LevelFilter::INFO)));
        // Of two levels for one target the later counts.
        self.targets = Targets::new()
            .with_default(self.level)
            .with_targets(transport)
            .with_targets(self.named.clone());
        self
    }

    pub(crate) fn is_enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Asked for each event that another layer wants, so most events are refused without a look at the targets.
        (metadata.is_span() || self.events.is_enabled(metadata))
            && self
                .targets
                .would_enable(metadata.target(), metadata.level())
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
