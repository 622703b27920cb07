//! The SERVER span: opened, entered, ended.

use std::fmt;
use std::time::SystemTime;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _,
};
use opentelemetry::{Context, ContextGuard, KeyValue, SpanId, StringValue, Value, time};
use otel_core::span_access::{self, SpanAccess};
use otel_core::span_changes::SpanChanges;
use otel_core::tracer::is_new;
use otel_core::{ActiveRequest, RequestCell};
use tracing::span::EnteredSpan;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::attributes;
use super::options::ServerOptions;
use super::request_info::RequestInfo;
use super::span_text::{self, SpanText};
use crate::hop::{EnteredHop, Hop};
use crate::sampling::is_unsampled;

/// The name of a span until its own name is known.
const UNNAMED: &str = "request";

/// The SERVER span: an OpenTelemetry span, and also a `tracing` span if the subscriber enables it.
///
/// Later changes go through the context: `Span::record` would drop undeclared fields, turn unsigned numbers into text and
/// could not rename the span.
pub(super) struct ServerSpan {
    /// The context, and what the application says about the request.
    cell: RequestCell,
    tracing: Option<tracing::Span>,
    /// The layer of otel-tracing has taken the context for the `tracing` span.
    is_handed_over: bool,
    /// The `tracing` span is not an OpenTelemetry span, and is current until the request ends.
    is_only_tracing: bool,
    hop: Hop,
}

/// What became of the `tracing` span of a request.
pub(super) enum Opened {
    /// It is the SERVER span.
    Server(ServerSpan, EnteredSpan),
    /// A subscriber enables it, but makes no OpenTelemetry span of it that this crate can see.
    OnlyTracing {
        entered: EnteredSpan,
        /// The subscriber has the layer of tracing-opentelemetry, and a filter hides the span from it.
        is_hidden_from_layer: bool,
    },
    /// No subscriber enables it.
    Disabled,
}

impl ServerSpan {
    /// Makes the value for a skipped request in this context.
    pub(super) fn skipped(context: Context) -> Self {
        Self::new(RequestCell::empty(context), false)
    }

    /// Makes the value for a request without a span of its own, in this context.
    pub(super) fn without_span(context: Context) -> Self {
        Self::new(RequestCell::new(context, false, false), false)
    }

    /// Opens the span through the layer of otel-tracing, and makes the `tracing` span that carries it.
    pub(super) fn open_in_layer(
        options: &ServerOptions,
        layer: &SpanAccess,
        parent: &Context,
        link: Option<SpanContext>,
        info: &RequestInfo<'_>,
    ) -> (Self, Option<EnteredSpan>) {
        let builder = Builder::new(options, parent, link, Some(info));
        let is_complete = builder.is_complete;
        let tracer = &options.common.tracer;
        let mut context = tracer.start_in(layer, builder.builder, parent);
        let is_own = is_new(context.span().span_context(), parent);
        if !is_own {
            context = parent.clone();
        }
        let is_recording = is_own && context.span().is_recording();
        if is_recording && !is_complete {
            attributes::set_at_start(options, info, &context.span());
        }
        let entered = options.make_tracing_span.and_then(|make| {
            let text = text(info, true, &[]);
            let span = span_access::hand_over(context.clone(), || make(&text));
            (!span.is_disabled()).then(|| enter_without_context(span))
        });
        let cell = RequestCell::new(context, is_own, is_recording);
        (Self::new(cell, true), entered)
    }

    /// Opens the span as a `tracing` span and enters it. Entering starts it, which costs less than asking for its context.
    pub(super) fn open_in_tracing(
        options: &ServerOptions,
        parent: &Context,
        link: Option<&SpanContext>,
        info: &RequestInfo<'_>,
    ) -> Opened {
        let Some(make) = options.make_tracing_span else {
            return Opened::Disabled;
        };
        let is_complete = options.common.attributes_for_sampler || !is_unsampled(parent);
        let attributes = if is_complete {
            attributes::list_at_start(options, info)
        } else {
            Vec::new()
        };
        let ambient = Context::map_current(id);
        // The OpenTelemetry layer takes the active context as the parent.
        let attached = parent.clone().attach();
        let span = make(&text(info, false, &attributes));
        drop(attached);
        if span.is_disabled() {
            return Opened::Disabled;
        }
        if let Some(link) = link {
            span.add_link(link.clone());
        }
        let mut others = attributes.into_iter().filter(|it| !span_text::is_field(it));
        // The sampler decides when the span is entered.
        if options.common.attributes_for_sampler {
            for attribute in others.by_ref() {
                span.set_attribute(attribute.key, attribute.value);
            }
        }
        let entered = span.entered();
        let mut context = Context::current();
        if id(&context) == ambient {
            // The layer does not activate contexts (`with_context_activation(false)`), or it does not see the span.
            let has_layer = entered.set_parent(parent.clone()).is_ok();
            context = entered.context();
            if !has_layer || !context.span().span_context().is_valid() {
                return Opened::OnlyTracing {
                    entered,
                    is_hidden_from_layer: has_layer,
                };
            }
        }
        let is_recording = context.span().is_recording();
        if is_recording && is_complete {
            context.span().set_attributes(others);
        } else if is_recording {
            attributes::set_at_start(options, info, &context.span());
        }
        let cell = RequestCell::new(context, true, is_recording);
        Opened::Server(Self::new(cell, false), entered)
    }

    /// Opens the span through the OpenTelemetry API. `info` must be there if a provider is known.
    #[inline]
    pub(super) fn open_in_api(
        options: &ServerOptions,
        parent: Context,
        link: Option<SpanContext>,
        info: Option<&RequestInfo<'_>>,
    ) -> Self {
        let builder = Builder::new(options, &parent, link, info);
        let is_complete = builder.is_complete;
        let mut span = options.common.tracer.start(builder.builder, &parent);
        if !is_new(span.span_context(), &parent) {
            return Self::without_span(parent);
        }
        let is_recording = span.is_recording();
        if let Some(info) = info.filter(|_| is_recording && !is_complete) {
            span.set_attributes(attributes::list_at_start(options, info));
        }
        let cell = RequestCell::new(parent.with_span(span), true, is_recording);
        Self::new(cell, false)
    }

    fn new(cell: RequestCell, is_handed_over: bool) -> Self {
        Self {
            cell,
            tracing: None,
            is_handed_over,
            is_only_tracing: false,
            hop: Hop::NONE,
        }
    }

    /// Leaves the `tracing` span for the first time and keeps it.
    pub(super) fn leave(&mut self, entered: EnteredSpan) {
        self.tracing = Some(entered.exit());
    }

    /// Keeps the `tracing` span of a request that has no OpenTelemetry span, so that it is current until the request ends.
    ///
    /// Other layers then show the request, such as fmt, or a layer of another version of tracing-opentelemetry.
    pub(super) fn keep_tracing(
        &mut self,
        options: &ServerOptions,
        entered: &EnteredSpan,
        info: &RequestInfo<'_>,
    ) {
        self.is_only_tracing = true;
        // Under a caller that does not sample, the fields are empty. The other layer does not know this caller.
        if is_unsampled(self.context()) && !options.common.attributes_for_sampler {
            attributes::at_start(options, info, |attribute| {
                if let Value::String(text) = &attribute.value {
                    entered.record(attribute.key.as_str(), text.as_str());
                }
            });
        }
    }

    /// Ends the `tracing` span of a request that has no OpenTelemetry span.
    pub(super) fn end_tracing(&mut self) {
        if self.is_only_tracing {
            self.tracing = None;
        }
    }

    pub(super) fn context(&self) -> &Context {
        self.cell.context()
    }

    pub(super) fn cell(&mut self) -> &mut RequestCell {
        &mut self.cell
    }

    /// Returns `true` if the handler or a hook has named the span.
    pub(super) fn is_named(&self) -> bool {
        self.cell.is_named()
    }

    /// Takes what handlers and hooks have said until now.
    pub(super) fn take_changes(&self) -> Option<Box<SpanChanges>> {
        self.cell.take_changes()
    }

    pub(super) fn set_hop(&mut self, hop: Hop) {
        self.hop = hop;
    }

    /// Returns `true` if the span is sampled.
    #[inline]
    pub(super) fn is_recording(&self) -> bool {
        self.cell.is_recording()
    }

    /// Returns `true` if there is nothing to activate: no SDK, no incoming context, and no `tracing` span.
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        let context = self.context();
        !self.is_only_tracing && !context.has_active_span() && context.baggage().is_empty()
    }

    /// Returns `true` if the request has a span of any kind.
    pub(super) fn has_span(&self) -> bool {
        self.is_only_tracing || self.is_own()
    }

    /// Returns `true` if the request has a span of its own, sampled or not.
    #[inline]
    pub(super) fn is_own(&self) -> bool {
        self.cell.has_own_span()
    }

    /// Makes request and span current until the guard is dropped.
    pub(super) fn enter(&mut self) -> Entered<'_> {
        let tracing = self.tracing.as_ref().map(|span| {
            if self.is_handed_over {
                span_access::enter_without_context(span.id(), || span.enter())
            } else {
                span.enter()
            }
        });
        Entered {
            _active: Active::enter(&mut self.cell, tracing.is_some() && !self.is_handed_over),
            _tracing: tracing,
        }
    }

    /// Makes the request current and activates its context, unless entering the `tracing` span has done so.
    #[inline]
    pub(super) fn activate(&mut self, has_entered: bool) -> Active<'_> {
        Active::enter(&mut self.cell, has_entered && !self.is_handed_over)
    }

    /// Makes layers further in know the request. Not needed for the body, which calls no layer.
    #[inline]
    pub(super) fn enter_hop(&self) -> EnteredHop {
        self.hop.enter()
    }

    /// Ends the span, with an error that has this message if there is one. tracing-opentelemetry would end it at its last exit.
    pub(super) fn end(&self, error: Option<String>, at: Option<SystemTime>) {
        let span = self.context().span();
        if let Some(message) = error {
            span.set_status(Status::error(message));
        }
        span.end_with_timestamp(at.unwrap_or_else(time::now));
    }
}

/// Returns the texts for the fields of the `tracing` span. Without a hand-over they become attributes of the SERVER span.
fn text<'a>(
    info: &'a RequestInfo<'_>,
    is_handed_over: bool,
    attributes: &'a [KeyValue],
) -> SpanText<'a> {
    SpanText {
        is_handed_over,
        name: &info.name.name,
        method: info.method.word(),
        route: info.name.target.as_ref().map(StringValue::as_str),
        path: &info.path,
        attributes,
    }
}

fn enter_without_context(span: tracing::Span) -> EnteredSpan {
    span_access::enter_without_context(span.id(), || span.entered())
}

/// What a span starts with in the OpenTelemetry API.
struct Builder {
    builder: SpanBuilder,
    /// The attributes are there. Under a parent that is not sampled, the sampler rarely samples, so they would be made for
    /// nothing.
    is_complete: bool,
}

impl Builder {
    #[inline]
    fn new(
        options: &ServerOptions,
        parent: &Context,
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
        let is_complete = options.common.attributes_for_sampler || !is_unsampled(parent);
        if let Some(info) = info.filter(|_| is_complete) {
            builder.attributes = Some(attributes::list_at_start(options, info));
        }
        Self {
            builder,
            is_complete,
        }
    }
}

impl fmt::Debug for ServerSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSpan")
            .field("context", self.context().span().span_context())
            .field("tracing", &self.tracing)
            .finish_non_exhaustive()
    }
}

/// The request is current, and its context is active.
pub(super) struct Active<'a> {
    _request: ActiveRequest<'a>,
    _context: Option<ContextGuard>,
}

impl<'a> Active<'a> {
    /// `may_be_active` says that entering the `tracing` span may have activated the context.
    #[inline]
    fn enter(cell: &'a mut RequestCell, may_be_active: bool) -> Self {
        let is_active = may_be_active && Context::map_current(id) == id(cell.context());
        let context = (!is_active).then(|| cell.context().clone().attach());
        Self {
            _request: ActiveRequest::enter(cell),
            _context: context,
        }
    }
}

/// Request and span are current. Dropping detaches the context first and then exits the `tracing` span.
pub(super) struct Entered<'a> {
    _active: Active<'a>,
    _tracing: Option<tracing::span::Entered<'a>>,
}

#[inline]
fn id(context: &Context) -> SpanId {
    context.span().span_context().span_id()
}
