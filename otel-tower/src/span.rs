//! The SERVER span: opened, entered, ended.

use std::fmt;

use http::StatusCode;
use opentelemetry::trace::{SpanKind, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard};
use otel_core::RequestHead;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::attributes;
use crate::config::Config;
use crate::exchange::End;
use crate::route;

/// The SERVER span: always an OpenTelemetry span, and a `tracing` span as well where one is enabled.
///
/// What is learnt of the request is written through the context: `Span::record` would drop undeclared fields, turn
/// unsigned numbers to text and could not rename.
pub(crate) struct ServerSpan {
    context: Context,
    tracing: Option<tracing::Span>,
}

impl ServerSpan {
    pub(crate) fn open(config: &Config, request: &RequestHead<'_>) -> Self {
        let parent =
            Context::map_current(|current| config.propagator.extract(current, request.headers()));
        let traced = config
            .tracing_span
            .then(|| open_in_tracing(&parent))
            .flatten();
        match traced {
            Some((context, tracing)) => {
                describe(config, request, &context);
                Self {
                    context,
                    tracing: Some(tracing),
                }
            }
            None => Self {
                context: open_in_api(config, request, &parent),
                tracing: None,
            },
        }
    }

    /// Makes the span current until the guard is dropped.
    ///
    /// The context is attached even where entering the `tracing` span does so too, since a subscriber can be told not
    /// to (`with_context_activation(false)`).
    pub(crate) fn enter(&self) -> Entered<'_> {
        let context = self.context.clone().attach();
        Entered {
            _tracing: self.tracing.as_ref().map(tracing::Span::enter),
            _context: context,
        }
    }

    /// Ends the span at once: left to tracing-opentelemetry it would end at its last exit.
    pub(crate) fn end(&self, status: Option<StatusCode>, end: End) {
        let span = self.context.span();
        if !span.is_recording() {
            return;
        }
        let error_type = attributes::error_type(status, end);
        span.set_attributes(attributes::at_end(status, error_type));
        if error_type.is_some() {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

impl fmt::Debug for ServerSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSpan")
            .field("context", self.context.span().span_context())
            .field("tracing", &self.tracing)
            .finish()
    }
}

/// Leaves the `tracing` span first, then detaches the context: the reverse of entering.
pub(crate) struct Entered<'a> {
    _tracing: Option<tracing::span::Entered<'a>>,
    _context: ContextGuard,
}

/// `None` where no subscriber wants the span, or none of its layers is OpenTelemetry's: then the API opens it.
fn open_in_tracing(parent: &Context) -> Option<(Context, tracing::Span)> {
    let span = tracing::info_span!(target: "otel_tower", "request", otel.kind = "server");
    if span.is_disabled() || span.set_parent(parent.clone()).is_err() {
        return None;
    }
    // The sampler decides here. A layer that a per-layer filter hides the span from knows no context for it.
    let context = span.context();
    let known = context.span().span_context().is_valid();
    known.then_some((context, span))
}

fn describe(config: &Config, request: &RequestHead<'_>, context: &Context) {
    let span = context.span();
    if span.is_recording() {
        let route = route::of(request);
        span.update_name(attributes::name(config, request, route));
        span.set_attributes(attributes::at_start(config, request, route));
    }
}

fn open_in_api(config: &Config, request: &RequestHead<'_>, parent: &Context) -> Context {
    let route = route::of(request);
    let builder =
        opentelemetry::trace::SpanBuilder::from_name(attributes::name(config, request, route))
            .with_kind(SpanKind::Server)
            .with_attributes(attributes::at_start(config, request, route));
    parent.with_span(config.tracer.start(builder, parent))
}
