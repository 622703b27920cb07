//! What a list of directives says about a line.

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::{Context, Filter};

use super::filter_error::FilterError;
use super::own_crates::{OwnCrate, REPORTS};

/// What applies to the lines of telemetry's own crates if no directive names them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OwnRule {
    /// The level that the user has set for these crates.
    pub(super) level: Option<LevelFilter>,
    /// Whether the user has set the directives. Otherwise they are a default.
    pub(super) is_explicit: bool,
}

/// A list of directives, ready to decide.
#[derive(Debug)]
pub(super) struct Rules {
    directives: String,
    filter: EnvFilter,
    /// The targets of telemetry's own crates that a directive names.
    named: Vec<String>,
    /// The level of OpenTelemetry's crates; `None` if the directives decide.
    open_telemetry: Option<LevelFilter>,
    /// The level of the reports of this crate; `None` if the directives decide.
    reports: Option<LevelFilter>,
}

impl Rules {
    pub(super) fn new(directives: &str, own: OwnRule) -> Result<Self, FilterError> {
        let given = directives.split(',').map(str::trim);
        let given: Vec<_> = given.filter(|directive| !directive.is_empty()).collect();
        // Without directives EnvFilter writes nothing at all.
        if given.is_empty() {
            return Err(FilterError::invalid(directives));
        }
        let filter =
            EnvFilter::try_new(given.join(",")).map_err(|_| FilterError::invalid(directives))?;
        let decides_on_reports = given
            .iter()
            .filter(|directive| !directive.contains('['))
            .any(|directive| target(directive).is_none_or(|it| REPORTS.starts_with(it)));
        let (open_telemetry, reports) = match own.level {
            Some(level) => (Some(level), Some(level)),
            None if own.is_explicit => (None, None),
            // The SDK logs each failed export. The reports of this crate say it once.
            None if decides_on_reports => (Some(LevelFilter::OFF), None),
            None => (Some(LevelFilter::OFF), Some(LevelFilter::INFO)),
        };
        let named = given.iter().filter_map(|directive| target(directive));
        let named = named.filter(|target| OwnCrate::from_target(target).is_some());
        Ok(Self {
            directives: directives.trim().to_owned(),
            filter,
            named: named.map(str::to_owned).collect(),
            open_telemetry,
            reports,
        })
    }

    /// Makes rules that hide all lines.
    pub(super) fn off() -> Self {
        Self {
            directives: "off".to_owned(),
            filter: EnvFilter::new("off"),
            named: Vec::new(),
            open_telemetry: None,
            reports: None,
        }
    }

    /// Returns the text that the rules were made of.
    pub(super) fn directives(&self) -> &str {
        &self.directives
    }

    /// Returns `true` if a directive depends on the spans that are entered, as `[span{field}]` does.
    pub(super) fn is_dynamic(&self) -> bool {
        self.directives.contains('[')
    }

    /// Returns the filter that must see the spans if the rules are dynamic.
    pub(super) fn env_filter(&self) -> &EnvFilter {
        &self.filter
    }

    /// Returns `true` if a line or a span is enabled, in the spans of the current thread.
    pub(super) fn is_enabled<S>(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        let own = self.own_decision(metadata);
        own.unwrap_or_else(|| self.filter.enabled(metadata, context.clone()))
    }

    /// Returns whether a callsite is enabled, or whether that depends on the spans of a thread.
    pub(super) fn interest<S>(&self, metadata: &'static Metadata<'static>) -> Interest {
        match self.own_decision(metadata) {
            Some(true) => Interest::always(),
            Some(false) => Interest::never(),
            None => Filter::<S>::callsite_enabled(&self.filter, metadata),
        }
    }

    /// Returns whether a line or a span of telemetry's own crates is enabled; `None` if the directives decide.
    fn own_decision(&self, metadata: &Metadata<'_>) -> Option<bool> {
        let own = OwnCrate::from_target(metadata.target())?;
        let level = match own {
            OwnCrate::Reports => self.reports,
            OwnCrate::OpenTelemetry => self.open_telemetry,
        }?;
        let mut named = self.named.iter();
        // As EnvFilter matches targets.
        if named.any(|named| metadata.target().starts_with(named.as_str())) {
            return None;
        }
        Some(*metadata.level() <= level)
    }

    /// Returns the lowest level that can be enabled.
    pub(super) fn max_level(&self) -> Option<LevelFilter> {
        let level = self.filter.max_level_hint()?;
        let own = self.open_telemetry.max(self.reports);
        Some(own.map_or(level, |own| own.max(level)))
    }
}

/// Returns the target of a directive. Returns `None` if the directive has no target.
fn target(directive: &str) -> Option<&str> {
    let end = directive.find(['=', '[']);
    let target = match end {
        Some(end) => directive.get(..end)?,
        None => directive,
    };
    let is_level = end.is_none() && target.parse::<LevelFilter>().is_ok();
    Some(target).filter(|target| !is_level && !target.is_empty())
}
