//! The active trace id.

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, TraceId};

use crate::{active_context, span_access};

/// Returns the trace id of the active OpenTelemetry context, or else of the current `tracing` span. Returns `None` outside a trace,
/// and on a thread that is ending.
///
/// For error bodies, support forms and messages, in code without a `RequestSpan`. Without an SDK it is the trace id of the caller.
/// It is also returned if the trace is not sampled, and then no backend has the trace.
///
/// The call starts no span, with one exception: if the layer of tracing-opentelemetry does not activate contexts, and nothing has
/// started the current span yet, the current span starts, as for a log line or an outgoing call.
///
/// ```
/// async fn not_found() -> (u16, String) {
///     let trace_id = otel_core::trace_id().map(|id| id.to_string());
///     (404, format!("no such order; trace {}", trace_id.unwrap_or_default()))
/// }
/// ```
#[must_use]
pub fn trace_id() -> Option<TraceId> {
    if !active_context::is_alive() {
        return None;
    }
    Context::map_current(id_of).or_else(|| id_of(&span_access::current_context()?))
}

fn id_of(context: &Context) -> Option<TraceId> {
    let span = context.span();
    let id = span.span_context().trace_id();
    span.span_context().is_valid().then_some(id)
}
