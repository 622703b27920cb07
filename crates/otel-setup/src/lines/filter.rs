//! The filter of log lines, which can be replaced while the process runs.

use std::fmt;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};
use otel_core::callsites::Callsites;
use otel_tracing::CallsiteFiltered;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber, callsite};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::filter_error::FilterError;
use super::rules::{OwnRule, Rules};

/// Decides which log lines are written, by directives such as `info` or `warn,shop=debug`.
///
/// [`EnvFilter`](tracing_subscriber::EnvFilter) describes the directives. Lines of OpenTelemetry's own crates are off, unless a
/// directive names the crate, `OTEL_LOG_LEVEL` is set, or the directives come from `RUST_LOG`.
///
/// Clones share the directives, and a [`handle`](Self::handle) replaces them at run time. One filter can be used for several layers.
#[derive(Clone)]
pub struct LineFilter(Arc<Shared>);

struct Shared {
    rules: ArcSwap<Rules>,
    /// Whether each callsite is enabled, if this does not depend on spans. Read for each event.
    decisions: Callsites<AtomicBool>,
    own: OwnRule,
    /// Whether the first directives depended on spans. Otherwise the filter hears of no spans.
    is_dynamic: bool,
}

impl LineFilter {
    /// Makes a filter. `own_level` is the level of telemetry's own crates that the user has set; `is_explicit` says that the user
    /// has set the directives too, so that they also decide about these crates.
    ///
    /// # Errors
    ///
    /// If the directives cannot be parsed.
    pub(crate) fn new(
        directives: &str,
        own_level: Option<LevelFilter>,
        is_explicit: bool,
    ) -> Result<Self, FilterError> {
        let own = OwnRule {
            level: own_level,
            is_explicit,
        };
        Ok(Self::from_rules(Rules::new(directives, own)?, own))
    }

    fn from_rules(rules: Rules, own: OwnRule) -> Self {
        Self(Arc::new(Shared {
            own,
            is_dynamic: rules.is_dynamic(),
            rules: ArcSwap::from_pointee(rules),
            decisions: Callsites::new(),
        }))
    }

    /// Makes a filter that hides all lines.
    pub(crate) fn off() -> Self {
        Self::from_rules(Rules::off(), OwnRule::default())
    }

    /// Returns `true` if the directives can be parsed.
    pub(crate) fn is_valid(directives: &str) -> bool {
        Rules::new(directives, OwnRule::default()).is_ok()
    }

    /// Puts a layer behind this filter.
    pub(crate) fn apply<L, S>(self, layer: L) -> Box<dyn Layer<S> + Send + Sync>
    where
        L: Layer<S> + Send + Sync,
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        // A directive such as `[span{field}]` depends on the spans that are entered.
        if self.0.is_dynamic {
            return layer.with_filter(self).boxed();
        }
        CallsiteFiltered::new(layer, self).boxed()
    }

    /// Returns the directives in force.
    pub(super) fn directives(&self) -> String {
        self.0.rules.load().directives().to_owned()
    }

    /// Parses directives that can replace those in force.
    pub(super) fn parse(&self, directives: &str) -> Result<Rules, FilterError> {
        let rules = Rules::new(directives, self.0.own)?;
        if rules.is_dynamic() && !self.0.is_dynamic {
            return Err(FilterError::span_directive(directives));
        }
        Ok(rules)
    }

    /// Replaces the rules, in all clones and at all callsites.
    pub(super) fn replace(&self, rules: Rules) {
        self.0.rules.store(Arc::new(rules));
        // Decides each callsite again, here and in `tracing`.
        callsite::rebuild_interest_cache();
    }

    fn rules_of_spans(&self) -> Option<Guard<Arc<Rules>>> {
        self.0.is_dynamic.then(|| self.0.rules.load())
    }
}

impl<S> Filter<S> for LineFilter {
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let interest = self.0.rules.load().interest::<S>(metadata);
        if !self.0.is_dynamic {
            let is_enabled = interest.is_always();
            let decision = self.0.decisions.get(metadata, || is_enabled.into());
            decision.store(is_enabled, Ordering::Relaxed);
        }
        interest
    }

    #[inline]
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        let callsite = metadata.callsite().0.metadata();
        // Records of the `log` crate have their own targets, but one callsite for each level.
        if self.0.is_dynamic || !ptr::addr_eq(metadata, callsite) {
            return self.0.rules.load().is_enabled(metadata, context);
        }
        let decision = self.0.decisions.get(callsite, || {
            self.0.rules.load().is_enabled(metadata, context).into()
        });
        decision.load(Ordering::Relaxed)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.rules.load().max_level()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(rules) = self.rules_of_spans() {
            rules.env_filter().on_new_span(attributes, id, context);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(rules) = self.rules_of_spans() {
            rules.env_filter().on_record(id, values, context);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(rules) = self.rules_of_spans() {
            rules.env_filter().on_enter(id, context);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if let Some(rules) = self.rules_of_spans() {
            rules.env_filter().on_exit(id, context);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if let Some(rules) = self.rules_of_spans() {
            rules.env_filter().on_close(id, context);
        }
    }
}

impl fmt::Debug for LineFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LineFilter")
            .field(&self.directives())
            .finish()
    }
}
