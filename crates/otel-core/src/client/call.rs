//! One call and its one end.

use std::borrow::Cow;
use std::fmt;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;

use ::http::{Extensions, HeaderMap, Request, StatusCode};
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use super::attributes::{self, Target};
use super::config::ClientConfig;
use super::metrics::Measured;
use super::parent::parent;
use super::request::OutgoingRequest;
use super::sizes::BodySizes;
use super::{error_type, head};
use crate::http::attribute::ERROR_TYPE;
use crate::http::client_error_type;
use crate::rpc::attribute::RPC_RESPONSE_STATUS_CODE;
use crate::rpc::{self, GrpcCall, GrpcCode};
use crate::span_update::{HookResults, Verdict};
use crate::{RequestHead, ResponseHead, watch};

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// With a response; its status code says the rest.
    Complete,
    /// With an error of this type, before the response or in its body.
    Failed(&'static str),
    /// The caller has given up. That is no error of HTTP.
    Dropped,
}

/// All that is known of a call. It moves from the request to the response body and finishes exactly once; dropped before
/// that, the caller has given up.
pub struct ClientCall {
    config: Arc<ClientConfig>,
    context: Context,
    is_recording: bool,
    /// Kept for hooks that see the response.
    head: Option<Box<Request<()>>>,
    url_full: Option<Arc<str>>,
    status: Option<StatusCode>,
    hooks: HookResults,
    sizes: BodySizes,
    measured: Option<Measured>,
    grpc: Option<Box<GrpcCall>>,
    is_finished: bool,
}

impl ClientCall {
    /// Opens the span under [`parent`] and runs the hooks that see the request.
    ///
    /// `resends` is how many times the request has been sent before.
    #[must_use]
    pub fn open(config: &Arc<ClientConfig>, request: &impl OutgoingRequest, resends: u32) -> Self {
        let mut target = Target::of(config, request, resends);
        let opened = open_span(config, request, &target);
        let measured = config
            .metrics
            .begin(&target, &opened.context, request.extensions());
        // Its status is waited for only where someone is told.
        let is_told = opened.is_recording || measured.is_some();
        let mut call = Self {
            config: Arc::clone(config),
            context: opened.context,
            is_recording: opened.is_recording,
            head: (!config.on_response.is_empty()).then(|| Box::new(head::copy(request))),
            url_full: opened.url_full,
            status: None,
            hooks: HookResults::default(),
            sizes: BodySizes::default(),
            measured,
            grpc: target.grpc.take().filter(|_| is_told).map(Box::new),
            is_finished: false,
        };
        for hook in &config.on_request {
            call.hooks.run(&call.context, |update| {
                request.show(|head| hook(head, update));
            });
        }
        call
    }

    /// Runs a step of the call inside its context, under [`watch`](Self::watch).
    #[inline]
    pub fn run<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let context = self.context.clone();
        self.watch(|| {
            let _active = context.attach();
            step()
        })
    }

    /// Runs a step of the call. A panic of the step finishes it and goes on unwinding.
    #[inline]
    pub fn watch<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let watch = PanicWatch(self);
        let result = step();
        mem::forget(watch);
        result
    }

    /// The context of the span, to be active while the request is under way and to be sent along.
    #[must_use]
    #[inline]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// What the client was told.
    #[must_use]
    #[inline]
    pub fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// The URL as it is on the span, where that is recorded.
    #[must_use]
    #[inline]
    pub fn url_full(&self) -> Option<&str> {
        self.url_full.as_deref()
    }

    /// Whether it is a call of gRPC of which someone is told: its status comes with the end of the body.
    #[must_use]
    #[inline]
    pub fn is_grpc(&self) -> bool {
        self.grpc.is_some()
    }

    /// The sizes of the bodies, where they are asked for.
    #[inline]
    pub fn sizes(&mut self) -> Option<&mut BodySizes> {
        self.config.body_sizes.then_some(&mut self.sizes)
    }

    /// Adds an attribute that only this kind of client knows.
    #[inline]
    pub fn add(&self, attribute: KeyValue) {
        self.context.span().set_attribute(attribute);
    }

    /// Whether hooks wait for the response, and will be shown what is then in the request's extensions.
    #[inline]
    #[must_use]
    pub fn has_hooks(&self) -> bool {
        self.head.is_some()
    }

    /// Notes the response head; `peer` is the socket's other end, `extensions` are the request's.
    pub fn respond(
        &mut self,
        response: &ResponseHead<'_>,
        peer: Option<SocketAddr>,
        extensions: &Extensions,
    ) {
        self.status = Some(response.status());
        if let Some(grpc) = &mut self.grpc {
            grpc.respond(response.status(), response.headers());
        }
        if self.is_recording {
            let span = self.context.span();
            let set = |attribute| span.set_attribute(attribute);
            attributes::of_response(&self.config, response, peer, self.grpc.is_some(), set);
        }
        if let (Some(measured), None) = (&mut self.measured, &self.grpc) {
            measured.respond(response);
        }
        if let Some(request) = self.head.take() {
            let request = RequestHead::new(
                request.method(),
                request.uri(),
                request.version(),
                request.headers(),
                extensions,
            );
            for hook in &self.config.on_response {
                self.hooks.run(&self.context, |update| {
                    hook(&request, response, update);
                });
            }
        }
    }

    /// Notes a piece of the response's body.
    #[inline]
    pub fn receive(&mut self, bytes: usize) {
        self.sizes.receive(bytes);
    }

    /// Notes the trailers of the response.
    pub fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(grpc) = &mut self.grpc {
            grpc.trailers(trailers);
        }
    }

    /// Notes the status of a call of gRPC that its error tells.
    pub fn grpc_status(&mut self, code: GrpcCode) {
        if let Some(grpc) = &mut self.grpc {
            grpc.tell(code);
        }
    }

    /// Notes what a call of gRPC makes of its error, which tells no status.
    pub fn grpc_failure(&mut self, code: GrpcCode) {
        if let Some(grpc) = &mut self.grpc {
            grpc.fail(code);
        }
    }

    /// Finishes the call; the first time counts.
    pub fn finish(&mut self, end: End) {
        if mem::replace(&mut self.is_finished, true) {
            return;
        }
        let grpc = self.end_of_grpc(end);
        let error_type = self.error_type(end, grpc);
        if self.is_recording {
            let span = self.context.span();
            if let Some((code, _)) = grpc {
                span.set_attribute(KeyValue::new(RPC_RESPONSE_STATUS_CODE, code.as_str()));
            }
            if let Some(error_type) = &error_type {
                span.set_attribute(KeyValue::new(ERROR_TYPE, error_type.clone()));
                span.set_status(Status::error(""));
            }
            if self.config.body_sizes && self.grpc.is_none() {
                span.set_attributes(self.sizes.attributes());
            }
            span.end();
        }
        if let Some(measured) = self.measured.take() {
            let (metrics, grpc) = (&self.config.metrics, self.grpc.as_deref());
            measured.end(metrics, &self.context, grpc, &self.sizes, error_type);
        }
    }

    /// How a call of gRPC has ended, and the error that this is: as the server said, else as gRPC has it for what happened.
    fn end_of_grpc(&mut self, end: End) -> Option<(GrpcCode, Option<&'static str>)> {
        let grpc = self.grpc.as_mut()?;
        match end {
            End::Complete => grpc.complete(),
            End::Dropped => grpc.give_up(),
            End::Failed(error_type::CONNECT | error_type::DNS | error_type::TLS) => {
                grpc.fail(GrpcCode::Unavailable);
            }
            End::Failed(error_type::TIMEOUT) => grpc.fail(GrpcCode::DeadlineExceeded),
            End::Failed(_) => grpc.fail(GrpcCode::Unknown),
        }
        let code = grpc.code()?;
        // Where no status came, what happened on the way says more than the code for it.
        Some(match end {
            End::Failed(way) if !grpc.has_status() => (code, Some(way)),
            _ => (code, rpc::client_error_type(code)),
        })
    }

    /// What a hook says of the response comes first, then a status that is an error: it says more than what happened to
    /// the body.
    fn error_type(
        &self,
        end: End,
        grpc: Option<(GrpcCode, Option<&'static str>)>,
    ) -> Option<Cow<'static, str>> {
        let of_status = || match grpc {
            Some((_, error_type)) => error_type,
            None => self.status.and_then(client_error_type),
        };
        let of_head = match self.hooks.verdict() {
            Some(Verdict::Error(error_type)) => return Some(error_type.clone()),
            Some(_) => None,
            None => of_status(),
        };
        let of_end = match end {
            End::Failed(error_type) => Some(error_type),
            End::Complete | End::Dropped => None,
        };
        of_head.or(of_end).map(Cow::Borrowed)
    }
}

impl fmt::Debug for ClientCall {
    // Without the request's head and URL, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCall")
            .field("context", self.context.span().span_context())
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Drop for ClientCall {
    fn drop(&mut self) {
        self.finish(End::Dropped);
    }
}

struct PanicWatch<'a>(&'a mut ClientCall);

impl Drop for PanicWatch<'_> {
    fn drop(&mut self) {
        self.0.finish(End::Failed(error_type::PANIC));
    }
}

struct Opened {
    context: Context,
    is_recording: bool,
    url_full: Option<Arc<str>>,
}

/// Opens the span and makes its context.
///
/// Attributes are made before the sampler is asked, which may want to see them; without an SDK, or under a parent that is
/// not sampled, they are made only if the span is recorded all the same.
fn open_span(config: &ClientConfig, request: &impl OutgoingRequest, target: &Target<'_>) -> Opened {
    let parent = parent();
    watch::call_starts(&parent, config.name(), || target.name().into_owned());
    let is_early =
        config.attributes_for_sampler || (config.tracer.is_found() && !is_unsampled(&parent));
    // Its methods move it about, and it is large.
    let mut builder = SpanBuilder::from_name(target.name());
    builder.span_kind = Some(SpanKind::Client);
    let mut url_full = None;
    if is_early {
        let (attributes, full) = attributes::at_start(config, request, target);
        builder.attributes = Some(attributes);
        url_full = full;
    }
    let mut span = config.tracer.start(builder, &parent);
    if !config.tracer.is_found() {
        return Opened {
            context: parent,
            is_recording: false,
            url_full: None,
        };
    }
    let is_recording = span.is_recording();
    if is_recording && !is_early {
        let (attributes, full) = attributes::at_start(config, request, target);
        span.set_attributes(attributes);
        url_full = full;
    }
    Opened {
        context: parent.with_span(span),
        is_recording,
        url_full,
    }
}

fn is_unsampled(parent: &Context) -> bool {
    let span = parent.span();
    let parent = span.span_context();
    parent.is_valid() && !parent.is_sampled()
}
