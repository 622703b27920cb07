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

/// Writes the WARN `server_span_hidden` past the filters, unless they hide the warnings of every target.
pub(super) fn warn(message: &dyn Value) {
    if LevelFilter::current() < LevelFilter::WARN {
        return;
    }
    let fields = WARNING.fields();
    if let (Some(text), Some(name)) = (fields.field("message"), fields.field("event.name")) {
        let values: [(_, Option<&dyn Value>); 2] =
            [(&text, Some(message)), (&name, Some(&SERVER_SPAN_HIDDEN))];
        Event::dispatch(&WARNING, &fields.value_set(&values));
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

/// The name of the event.
const SERVER_SPAN_HIDDEN: &str = "server_span_hidden";

static WARNING: Metadata<'static> = Metadata::new(
    SERVER_SPAN_HIDDEN,
    module_path!(),
    Level::WARN,
    Some(file!()),
    Some(line!()),
    Some(module_path!()),
    FieldSet::new(&["message", "event.name"], Identifier(&PAST_FILTERS)),
    Kind::EVENT,
);

impl Callsite for PastFilters {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        &WARNING
    }
}
