//! The SERVER span: opened, entered, ended.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt,
};
use opentelemetry::{Context, ContextGuard, KeyValue, SpanId};
use otel_core::predicate::ask;
use otel_core::{RequestHead, watch};
use tracing::field::Empty;
use tracing::span::EnteredSpan;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::server::attributes;
use crate::server::config::Config;
use crate::server::observed::Observed;

/// The SERVER span: always an OpenTelemetry span, and a `tracing` span as well where one is enabled.
///
/// What is learnt of the request is written through the context: `Span::record` would drop undeclared fields, turn
/// unsigned numbers to text and could not rename.
pub(crate) struct ServerSpan {
    context: Context,
    tracing: Option<tracing::Span>,
    is_recording: bool,
}

impl ServerSpan {
    /// Opens no span: what came in is active in the handler and goes on from there. `None` where nothing came in.
    pub(crate) fn forward(config: &Config, request: &RequestHead<'_>) -> Option<Self> {
        let (context, _) = admitted(config, request);
        if let Some(marked) = watch::without_span(&context) {
            return Some(Self::passing(marked));
        }
        let span = Self::passing(context);
        (!span.is_idle()).then_some(span)
    }

    fn passing(context: Context) -> Self {
        Self {
            context,
            tracing: None,
            is_recording: false,
        }
    }

    /// Whether there is nothing to be active in the handler: no SDK, and no context came in.
    pub(crate) fn is_idle(&self) -> bool {
        !self.context.has_active_span() && self.context.baggage().is_empty()
    }

    /// Opens the span. What had to be found out of the request for it is left in `observed`.
    ///
    /// A `tracing` span is entered already: entering starts it, and that costs less than to ask for its context. It is
    /// handed back with [`leave`](Self::leave).
    pub(crate) fn open<'a>(
        config: &Config,
        request: RequestHead<'a>,
        observed: &OnceCell<Observed<'a>>,
    ) -> (Self, Option<EnteredSpan>) {
        let (parent, link) = admitted(config, &request);
        let observe = || observed.get_or_init(|| Observed::of(config, request));
        if config.tracing_span && tracing::dispatcher::has_been_set() {
            let before = |span: &tracing::Span| {
                if let Some(link) = &link {
                    span.add_link(link.clone());
                }
                if config.attributes_for_sampler {
                    span.record("otel.name", observe().name.name.as_ref());
                    for attribute in attributes::list_at_start(config, observe()) {
                        span.set_attribute(attribute.key, attribute.value);
                    }
                }
            };
            if let Some((context, entered)) = open_in_tracing(&parent, before) {
                let span = context.span();
                let is_recording = span.is_recording();
                if is_recording {
                    span.update_name(observe().name.name.clone());
                    let observed = observe();
                    if config.attributes_for_sampler {
                        // They are there.
                    } else if observed.grpc.is_some() {
                        span.set_attributes(attributes::list_at_start(config, observed));
                    } else {
                        span.set_attributes(attributes::of_request(config, observed));
                    }
                }
                let this = Self {
                    context,
                    tracing: None,
                    is_recording,
                };
                return (this, Some(entered));
            }
        }
        (open_in_api(config, parent, link, observe), None)
    }

    /// Leaves the `tracing` span for the first time, and keeps it.
    pub(crate) fn leave(&mut self, entered: EnteredSpan) {
        self.tracing = Some(entered.exit());
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// Whether anyone will see what is written to the span.
    pub(crate) fn is_recording(&self) -> bool {
        self.is_recording
    }

    pub(crate) fn id(&self) -> SpanId {
        id(&self.context)
    }

    /// The ids of the request's own span, sampled or not.
    pub(crate) fn own(&self) -> Option<SpanContext> {
        let ids = || self.context.span().span_context().clone();
        self.is_own().then(ids)
    }

    /// Whether the request has a span of its own, sampled or not.
    pub(crate) fn is_own(&self) -> bool {
        let span = self.context.span();
        let ids = span.span_context();
        ids.is_valid() && !ids.is_remote()
    }

    /// Makes the span current until the guard is dropped.
    pub(crate) fn enter(&self) -> Entered<'_> {
        let tracing = self.tracing.as_ref().map(tracing::Span::enter);
        Entered {
            _context: self.activate(tracing.is_some()),
            _tracing: tracing,
        }
    }

    /// Entering the `tracing` span attaches the context, unless the subscriber was told not to
    /// (`with_context_activation(false)`).
    pub(crate) fn activate(&self, has_entered: bool) -> Option<ContextGuard> {
        let is_active = has_entered && Context::map_current(id) == id(&self.context);
        (!is_active).then(|| self.context.clone().attach())
    }

    pub(crate) fn rename(&self, name: Cow<'static, str>) {
        self.context.span().update_name(name);
    }

    pub(crate) fn add(&self, attributes: impl IntoIterator<Item = KeyValue>) {
        self.context.span().set_attributes(attributes);
    }

    pub(crate) fn add_event(&self, name: &'static str) {
        self.context.span().add_event(name, Vec::new());
    }

    /// Ends the span at once: left to tracing-opentelemetry it would end at its last exit.
    pub(crate) fn end(&self, is_error: bool) {
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

/// Detaches the context first, then leaves the `tracing` span: the reverse of entering.
pub(crate) struct Entered<'a> {
    _context: Option<ContextGuard>,
    _tracing: Option<tracing::span::Entered<'a>>,
}

/// What the trust policy lets in. A policy that panics lets in nothing.
fn admitted(config: &Config, request: &RequestHead<'_>) -> (Context, Option<SpanContext>) {
    let ambient = Context::current();
    let admit = || {
        let incoming = config.trust.admit(&config.propagator, &ambient, request);
        incoming.into_parts()
    };
    ask("trust", admit).unwrap_or_else(|| (ambient.clone(), None))
}

/// `None` where no subscriber wants the span, or none of its layers is OpenTelemetry's: then the API opens it.
fn open_in_tracing(
    parent: &Context,
    before: impl FnOnce(&tracing::Span),
) -> Option<(Context, EnteredSpan)> {
    let ambient = Context::map_current(id);
    // The OpenTelemetry layer takes the context that is active where the span is made for its parent.
    let attached = parent.clone().attach();
    // The layer makes room for as many attributes as fields are declared.
    let span = tracing::info_span!(
        target: "otel_tower", "request", otel.kind = "server", otel.name = Empty,
        method = Empty, scheme = Empty, path = Empty, query = Empty, route = Empty, version = Empty,
        host = Empty, port = Empty, agent = Empty, status = Empty,
    );
    drop(attached);
    if span.is_disabled() {
        return None;
    }
    before(&span);
    let entered = span.entered();
    let context = Context::current();
    if id(&context) != ambient {
        return Some((context, entered));
    }
    // It was told not to (`with_context_activation(false)`), or there is no such layer, or a filter hides the span
    // from it.
    entered.set_parent(parent.clone()).ok()?;
    let context = entered.context();
    let known = context.span().span_context().is_valid();
    known.then_some((context, entered))
}

fn id(context: &Context) -> SpanId {
    context.span().span_context().span_id()
}

fn open_in_api<'o, 'a: 'o>(
    config: &Config,
    parent: Context,
    link: Option<SpanContext>,
    observe: impl Fn() -> &'o Observed<'a>,
) -> ServerSpan {
    // The first request finds the tracer by its span, which a sampler may want to know all of.
    let is_asked = config.tracer.is_found() || config.attributes_for_sampler;
    // Its methods move it about, and it is large.
    let mut builder = SpanBuilder::from_name(if is_asked {
        observe().name.name.clone()
    } else {
        UNNAMED.into()
    });
    builder.span_kind = Some(SpanKind::Server);
    builder.links = link.map(|link| vec![Link::new(link, Vec::new(), 0)]);
    // Nothing is built for no one, nor for a caller who does not sample, unless the sampler overrules it.
    let early = is_asked && (config.attributes_for_sampler || !is_unsampled(&parent));
    if early {
        builder.attributes = Some(attributes::list_at_start(config, observe()));
    }
    let mut span = config.tracer.start(builder, &parent);
    if !config.tracer.is_found() {
        return ServerSpan::passing(parent);
    }
    let is_recording = span.is_recording();
    if is_recording && !early {
        span.update_name(observe().name.name.clone());
        span.set_attributes(attributes::list_at_start(config, observe()));
    }
    ServerSpan {
        context: parent.with_span(span),
        tracing: None,
        is_recording,
    }
}

/// The name of a span whose own is not known when it starts.
const UNNAMED: &str = "request";

fn is_unsampled(parent: &Context) -> bool {
    let span = parent.span();
    let caller = span.span_context();
    caller.is_valid() && !caller.is_sampled()
}
