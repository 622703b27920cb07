//! The SERVER span: opened, entered, ended.

use std::borrow::Cow;
use std::fmt;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    Link, Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt,
};
use opentelemetry::{Context, ContextGuard, KeyValue, SpanId};
use otel_core::RequestHead;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::attributes;
use crate::config::{Config, ask};
use crate::observed::Observed;

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
    /// Opens no span: what came in is active in the handler and goes on from there.
    pub(crate) fn forward(config: &Config, request: &RequestHead<'_>) -> Self {
        let (context, _) = admitted(config, request);
        Self::passing(context)
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
    pub(crate) fn open<'a>(
        config: &Config,
        request: RequestHead<'a>,
        observed: &mut Option<Observed<'a>>,
    ) -> Self {
        let (parent, link) = admitted(config, &request);
        let observe = || Observed::of(config, request);
        if config.tracing_span {
            if let Some((context, tracing)) = open_in_tracing(config, &parent, &link, || {
                observed.get_or_insert_with(observe)
            }) {
                let span = context.span();
                let is_recording = span.is_recording();
                if is_recording && !config.attributes_for_sampler {
                    let observed = observed.get_or_insert_with(observe);
                    span.update_name(observed.name.name.clone());
                    span.set_attributes(attributes::at_start(config, observed));
                }
                return Self {
                    context,
                    tracing: Some(tracing),
                    is_recording,
                };
            }
        }
        open_in_api(config, parent, link, observed.get_or_insert_with(observe))
    }

    pub(crate) fn context(&self) -> &Context {
        &self.context
    }

    /// Whether anyone will see what is written to the span.
    pub(crate) fn is_recording(&self) -> bool {
        self.is_recording
    }

    pub(crate) fn id(&self) -> SpanId {
        self.context.span().span_context().span_id()
    }

    /// The ids of the request's own span, sampled or not.
    pub(crate) fn own(&self) -> Option<SpanContext> {
        let context = self.context.span().span_context().clone();
        (context.is_valid() && !context.is_remote()).then_some(context)
    }

    /// Makes the span current until the guard is dropped.
    ///
    /// Entering the `tracing` span attaches the context, unless the subscriber was told not to
    /// (`with_context_activation(false)`).
    pub(crate) fn enter(&self) -> Entered<'_> {
        let tracing = self.tracing.as_ref().map(tracing::Span::enter);
        let is_active = tracing.is_some() && {
            let own = self.context.span();
            Context::map_current(|current| {
                current.span().span_context().span_id() == own.span_context().span_id()
            })
        };
        Entered {
            _context: (!is_active).then(|| self.context.clone().attach()),
            _tracing: tracing,
        }
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
fn open_in_tracing<'o, 'a: 'o>(
    config: &Config,
    parent: &Context,
    link: &Option<SpanContext>,
    observe: impl FnOnce() -> &'o mut Observed<'a>,
) -> Option<(Context, tracing::Span)> {
    let span = tracing::info_span!(target: "otel_tower", "request", otel.kind = "server");
    if span.is_disabled() || span.set_parent(parent.clone()).is_err() {
        return None;
    }
    if let Some(link) = link {
        span.add_link(link.clone());
    }
    if config.attributes_for_sampler {
        let observed = observe();
        for attribute in attributes::at_start(config, observed) {
            span.set_attribute(attribute.key, attribute.value);
        }
    }
    // The sampler decides here. A layer that a per-layer filter hides the span from knows no context for it.
    let context = span.context();
    let known = context.span().span_context().is_valid();
    known.then_some((context, span))
}

fn open_in_api(
    config: &Config,
    parent: Context,
    link: Option<SpanContext>,
    observed: &Observed<'_>,
) -> ServerSpan {
    let mut builder =
        SpanBuilder::from_name(observed.name.name.clone()).with_kind(SpanKind::Server);
    if let Some(link) = link {
        builder = builder.with_links(vec![Link::new(link, Vec::new(), 0)]);
    }
    // Nothing is built for a caller who does not sample, unless the sampler overrules it.
    let early =
        config.attributes_for_sampler || (config.tracer.is_found() && !is_unsampled(&parent));
    if early {
        builder = builder.with_attributes(attributes::at_start(config, observed));
    }
    let mut span = config.tracer.start(builder, &parent);
    if !config.tracer.is_found() {
        return ServerSpan::passing(parent);
    }
    let is_recording = span.is_recording();
    if is_recording && !early {
        span.set_attributes(attributes::at_start(config, observed));
    }
    ServerSpan {
        context: parent.with_span(span),
        tracing: None,
        is_recording,
    }
}

fn is_unsampled(parent: &Context) -> bool {
    let span = parent.span();
    let caller = span.span_context();
    caller.is_valid() && !caller.is_sampled()
}
