//! What the subscriber sees whatever its filters say: for the warning that a filter hides the SERVER spans.

use opentelemetry::Context;
use tracing::callsite::{Callsite, Identifier};
use tracing::field::{FieldSet, Value};
use tracing::level_filters::LevelFilter;
use tracing::metadata::Kind;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Span};
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, SetParentError};

/// Returns `true` if the subscriber has the layer of tracing-opentelemetry.
///
/// The layer cannot be named, because its type has the type of the subscriber. So a span that no filter has seen asks for it. In
/// a context that suppresses telemetry, the layer exports nothing of this span.
pub(super) fn has_otel_layer() -> bool {
    let span = Span::new_root(&SPAN, &SPAN.fields().value_set(&[]));
    let suppressed = Context::new().with_telemetry_suppressed();
    !matches!(
        span.set_parent(suppressed),
        Err(SetParentError::LayerNotFound)
    )
}

/// Writes a WARN past the filters, unless they hide the warnings of every target.
pub(super) fn warn(message: &dyn Value) {
    if LevelFilter::current() < LevelFilter::WARN {
        return;
    }
    if let Some(field) = WARNING.fields().field("message") {
        Event::dispatch(
            &WARNING,
            &WARNING.fields().value_set(&[(&field, Some(message))]),
        );
    }
}

struct PastFilters;

static PAST_FILTERS: PastFilters = PastFilters;

static SPAN: Metadata<'static> = Metadata::new(
    "look for tracing-opentelemetry",
    module_path!(),
    Level::INFO,
    None,
    None,
    None,
    FieldSet::new(&[], Identifier(&PAST_FILTERS)),
    Kind::SPAN,
);

static WARNING: Metadata<'static> = Metadata::new(
    "warning",
    module_path!(),
    Level::WARN,
    Some(file!()),
    Some(line!()),
    Some(module_path!()),
    FieldSet::new(&["message"], Identifier(&PAST_FILTERS)),
    Kind::EVENT,
);

impl Callsite for PastFilters {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &WARNING
    }
}
