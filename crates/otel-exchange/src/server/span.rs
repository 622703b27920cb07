//! The SERVER span: opened, entered, ended.

use std::fmt;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _,
};
use opentelemetry::{Context, ContextGuard, SpanId};
use tracing::span::EnteredSpan;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::attributes;
use super::options::ServerOptions;
use super::request_info::RequestInfo;
use crate::sampling::is_unsampled;

/// The name of a span until its own name is known.
const UNNAMED: &str = "request";

/// Makes the `tracing` span of a request, with the given target and level INFO.
///
/// Its fields are filled by the subscriber's OpenTelemetry layer, which reserves room for as many attributes as there are
/// fields.
#[macro_export]
macro_rules! server_span {
    ($target:literal) => {
        $crate::tracing::info_span!(
            target: $target, "request", otel.kind = "server", otel.name = $crate::tracing::field::Empty,
            method = $crate::tracing::field::Empty, scheme = $crate::tracing::field::Empty,
            path = $crate::tracing::field::Empty, query = $crate::tracing::field::Empty,
            route = $crate::tracing::field::Empty, version = $crate::tracing::field::Empty,
            host = $crate::tracing::field::Empty, port = $crate::tracing::field::Empty,
            agent = $crate::tracing::field::Empty, status = $crate::tracing::field::Empty,
        )
    };
}

/// The SERVER span: an OpenTelemetry span, and also a `tracing` span if the subscriber enables it.
///
/// Later changes go through the context: `Span::record` would drop undeclared fields, turn unsigned numbers into text and
/// could not rename the span.
pub(super) struct ServerSpan {
    context: Context,
    tracing: Option<tracing::Span>,
    is_recording: bool,
}

impl ServerSpan {
    /// Makes the value for a request without a span of its own, in this context.
    pub(super) fn without_span(context: Context) -> Self {
        Self {
            context,
            tracing: None,
            is_recording: false,
        }
    }

    /// Opens the span as a `tracing` span and enters it. Entering starts it, which costs less than asking for its context.
    ///
    /// Returns `None` if no subscriber enables the span or no OpenTelemetry layer sees it.
    pub(super) fn open_in_tracing(
        options: &ServerOptions,
        parent: &Context,
        link: Option<&SpanContext>,
        info: Option<&RequestInfo<'_>>,
    ) -> Option<(Self, EnteredSpan)> {
        let open = options.open_tracing_span?;
        if !tracing::dispatcher::has_been_set() {
            return None;
        }
        let ambient = Context::map_current(id);
        // The OpenTelemetry layer takes the active context as the parent.
        let attached = parent.clone().attach();
        let span = open();
        drop(attached);
        if span.is_disabled() {
            return None;
        }
        if let Some(link) = link {
            span.add_link(link.clone());
        }
        // The sampler decides when the span is entered.
        if let Some(info) = info.filter(|_| options.common.attributes_for_sampler) {
            span.record("otel.name", info.name.name.as_ref());
            attributes::at_start(options, info, |attribute| {
                span.set_attribute(attribute.key, attribute.value);
            });
        }
        let entered = span.entered();
        let mut context = Context::current();
        if id(&context) == ambient {
            // The layer does not activate contexts (`with_context_activation(false)`), or it does not see the span.
            entered.set_parent(parent.clone()).ok()?;
            context = entered.context();
            if !context.span().span_context().is_valid() {
                return None;
            }
        }
        let is_recording = context.span().is_recording();
        let span = Self {
            context,
            tracing: None,
            is_recording,
        };
        Some((span, entered))
    }

    /// Opens the span through the OpenTelemetry API. `info` must be there if a provider is known.
    pub(super) fn open_in_api(
        options: &ServerOptions,
        parent: Context,
        link: Option<SpanContext>,
        info: Option<&RequestInfo<'_>>,
    ) -> Self {
        // `SpanBuilder` is large and its methods move it, so the fields are set directly.
        let mut builder = match info {
            Some(info) => SpanBuilder::from_name(info.name.name.clone()),
            None => SpanBuilder::from_name(UNNAMED),
        };
        builder.span_kind = Some(SpanKind::Server);
        builder.links = link.map(|link| vec![Link::new(link, Vec::new(), 0)]);
        // Under a parent that is not sampled, the sampler rarely samples, so attributes would be made for nothing.
        let is_complete = options.common.attributes_for_sampler || !is_unsampled(&parent);
        if let Some(info) = info.filter(|_| is_complete) {
            builder.attributes = Some(attributes::list_at_start(options, info));
        }
        let mut span = options.common.tracer.start(builder, &parent);
        if !options.common.tracer.is_found() {
            return Self::without_span(parent);
        }
        let is_recording = span.is_recording();
        if let Some(info) = info.filter(|_| is_recording && !is_complete) {
            span.set_attributes(attributes::list_at_start(options, info));
        }
        Self {
            context: parent.with_span(span),
            tracing: None,
            is_recording,
        }
    }

    /// Leaves the `tracing` span for the first time and keeps it.
    pub(super) fn leave(&mut self, entered: EnteredSpan) {
        self.tracing = Some(entered.exit());
    }

    pub(super) fn context(&self) -> &Context {
        &self.context
    }

    /// Returns `true` if the span is sampled.
    #[inline]
    pub(super) fn is_recording(&self) -> bool {
        self.is_recording
    }

    /// Returns `true` if there is nothing to activate: no SDK, and no incoming context.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        !self.context.has_active_span() && self.context.baggage().is_empty()
    }

    /// Returns `true` if the request has a span of its own, sampled or not.
    #[inline]
    pub(super) fn is_own(&self) -> bool {
        let span = self.context.span();
        let ids = span.span_context();
        ids.is_valid() && !ids.is_remote()
    }

    pub(super) fn id(&self) -> SpanId {
        id(&self.context)
    }

    /// Makes the span current until the guard is dropped.
    pub(super) fn enter(&self) -> Entered<'_> {
        let tracing = self.tracing.as_ref().map(tracing::Span::enter);
        Entered {
            _context: self.activate(tracing.is_some()),
            _tracing: tracing,
        }
    }

    /// Activates the context, unless entering the `tracing` span has done so.
    #[inline]
    pub(super) fn activate(&self, has_entered: bool) -> Option<ContextGuard> {
        let is_active = has_entered && Context::map_current(id) == id(&self.context);
        (!is_active).then(|| self.context.clone().attach())
    }

    /// Ends the span now. tracing-opentelemetry would end it at its last exit.
    pub(super) fn end(&self, is_error: bool) {
        let span = self.context.span();
        if is_error {
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
            .finish_non_exhaustive()
    }
}

/// The span is current. Dropping detaches the context first and then exits the `tracing` span.
pub(super) struct Entered<'a> {
    _context: Option<ContextGuard>,
    _tracing: Option<tracing::span::Entered<'a>>,
}

#[inline]
fn id(context: &Context) -> SpanId {
    context.span().span_context().span_id()
}
