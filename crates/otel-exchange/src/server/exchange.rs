//! One request on a server.

use std::error::Error;
use std::fmt;
use std::mem;
use std::sync::Arc;

use http::{Method, StatusCode};
use opentelemetry::{Context, KeyValue};
use otel_core::active_context;
use tracing::span::EnteredSpan;

use super::options::ServerOptions;
use super::route_slot::ExpectedRoute;
use super::span::ServerSpan;
use super::undecided::Undecided;
use crate::body_sizes::BodySizes;
use crate::context_loss::RunningRequest;
use crate::conventions::rpc::GrpcCall;
use crate::hooks::{HookOutput, SpanUpdate};
use crate::kept_request::KeptRequest;
use crate::metrics::measurement::Measurement;
use crate::outcome::End;
use crate::request_body::RequestBodyProgress;

/// One request: its span, its metrics and its hooks. It moves from the service to the future to the body and ends exactly
/// once. If it is dropped before, it ends as [`End::Cancelled`].
pub struct Exchange {
    pub(super) options: Arc<ServerOptions>,
    pub(super) span: ServerSpan,
    pub(super) measurement: Option<Box<Measurement>>,
    pub(super) expected_route: Option<Box<ExpectedRoute>>,
    pub(super) grpc: Option<Box<GrpcCall>>,
    pub(super) undecided: Option<Box<Undecided>>,
    pub(super) sizes: Option<Box<BodySizes>>,
    pub(super) request_body: Option<RequestBodyProgress>,
    /// The request, for hooks that run later.
    pub(super) request: Option<Box<KeptRequest>>,
    pub(super) status: Option<StatusCode>,
    /// The attributes that became known after the start. They are set at the end.
    pub(super) late: Vec<KeyValue>,
    pub(super) is_event_stream: bool,
    pub(super) running: Option<NamedRequest>,
    pub(super) is_head_request: bool,
    pub(super) is_finished: bool,
}

/// The `tracing` span of a request, entered when it was opened. It must not be moved to another thread.
#[derive(Debug)]
#[must_use = "the span stays current until `Exchange::run_first`"]
pub struct FirstEntry(pub(super) Option<EnteredSpan>);

/// A request that is watched for context loss, and the name for the report.
#[derive(Debug)]
pub(super) struct NamedRequest {
    pub(super) request: RunningRequest,
    /// `None` if the name does not live for the rest of the process.
    pub(super) name: Option<&'static str>,
}

impl Exchange {
    pub(super) fn new(options: &Arc<ServerOptions>, span: ServerSpan, method: &Method) -> Self {
        Self {
            options: Arc::clone(options),
            span,
            measurement: None,
            expected_route: None,
            grpc: None,
            undecided: None,
            sizes: None,
            request_body: None,
            request: None,
            status: None,
            late: Vec::new(),
            is_event_stream: false,
            running: None,
            is_head_request: method == Method::HEAD,
            is_finished: false,
        }
    }

    /// Returns the context of the request: its span and its baggage.
    #[must_use]
    pub fn context(&self) -> &Context {
        self.span.context()
    }

    /// Runs a step of the request inside its span. If the step panics, the request ends and the panic continues.
    // Inlined into a future's `poll`, it would copy the response once more.
    #[inline(never)]
    pub fn run<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let _hop = self.span.enter_hop();
        self.run_frame(step)
    }

    /// Runs a step as [`run`](Self::run) does. It is inlined, because it runs for each frame of a body.
    #[inline]
    pub(super) fn run_frame<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let guard = PanicGuard(self);
        let entered = guard.0.span.enter();
        let result = step();
        drop(entered);
        mem::forget(guard);
        result
    }

    /// Runs a step of the request inside its context, but without entering its `tracing` span.
    ///
    /// For steps that emit no events, such as a frame of a buffered body: entering the span costs more than the frame.
    #[inline]
    pub fn run_without_tracing_span<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let guard = PanicGuard(self);
        let active = guard.0.span.activate(false);
        let result = step();
        drop(active);
        mem::forget(guard);
        result
    }

    /// Runs the first step of the request inside its span. If the step panics, the request ends and the panic continues.
    pub fn run_first<T>(&mut self, entry: FirstEntry, step: impl FnOnce() -> T) -> T {
        let FirstEntry(Some(first)) = entry else {
            return self.run(step);
        };
        let _hop = self.span.enter_hop();
        let mut guard = FirstGuard(PanicGuard(self), Some(first));
        let active = guard.0.0.span.activate(true);
        let result = step();
        drop(active);
        guard.leave();
        mem::forget(guard);
        result
    }

    /// Runs the last step of the request, such as the drop of its body, as [`run`](Self::run) does.
    ///
    /// If the thread is ending and its context is already destroyed, the step runs without a context.
    pub fn run_last<T>(&mut self, step: impl FnOnce() -> T) -> T {
        if active_context::is_alive() {
            return self.run(step);
        }
        let guard = PanicGuard(self);
        let result = step();
        mem::forget(guard);
        result
    }

    /// Returns the sizes of the bodies, if the option is set. The adapter reports what it knows.
    #[inline]
    pub fn sizes(&mut self) -> Option<&mut BodySizes> {
        self.sizes.as_deref_mut()
    }

    /// Returns the progress of the request body, to which the adapter reports what the handler reads. If the client leaves before
    /// the end of the body, the request ends as cancelled, even if the handler responds. Returns `None` if nothing observes the
    /// request.
    pub fn watch_request_body(&mut self) -> Option<RequestBodyProgress> {
        if !self.is_observed() {
            return None;
        }
        let progress = self.request_body.get_or_insert_default();
        if let Some(sizes) = &mut self.sizes {
            sizes.count_request(progress.clone());
        }
        Some(progress.clone())
    }

    /// Returns `true` if the client left before the end of the request body.
    pub(super) fn has_upload_broken_off(&self) -> bool {
        self.request_body
            .as_ref()
            .is_some_and(RequestBodyProgress::has_broken_off)
    }

    /// Returns `true` if the span, the metrics or a hook observes the end of the request. Otherwise its bodies need not be watched.
    #[must_use]
    #[inline]
    pub fn is_observed(&self) -> bool {
        // A skipped request keeps no copy of its head.
        let has_hooks = self.request.is_some() && self.options.common.has_end_hooks();
        self.span.is_recording() || self.measurement.is_some() || has_hooks
    }

    /// Returns what the application calls this error, or the first of its causes that has a name: a value for
    /// [`End::Failed`]. Returns `None` if it has no name.
    ///
    /// `known` is the same error as a trait object, if its type is known or erased.
    #[must_use]
    pub fn error_name<E: 'static>(
        &self,
        error: &E,
        known: Option<&(dyn Error + 'static)>,
    ) -> Option<&'static str> {
        self.options.common.error_names.find(error, known)
    }

    /// Runs a hook inside the context of the request, and keeps its changes.
    pub(super) fn run_hook(&mut self, hook: impl FnOnce(&mut SpanUpdate<'_>)) {
        let (context, is_recording) = (self.context().clone(), self.span.is_recording());
        let entered = active_context::is_alive().then(|| self.span.enter());
        let output = HookOutput::of(&context, is_recording, hook);
        drop(entered);
        if let Some(output) = output {
            output.apply(self.span.cell());
        }
    }
}

impl fmt::Debug for Exchange {
    // Leaves out the request head, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("span", &self.span)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Leaves the span before the request ends. Dropping the span would close it, and tracing-opentelemetry then ends it.
struct FirstGuard<'a>(PanicGuard<'a>, Option<EnteredSpan>);

impl FirstGuard<'_> {
    fn leave(&mut self) {
        if let Some(entered) = self.1.take() {
            self.0.0.span.leave(entered);
        }
    }
}

impl Drop for FirstGuard<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

struct PanicGuard<'a>(&'a mut Exchange);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        self.0.finish(End::Panicked);
    }
}
