//! One attempt of a client.

use std::fmt;
use std::mem;
use std::sync::Arc;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue, StringValue};
use otel_core::{RequestCell, active_context};

use super::options::ClientOptions;
use super::received_head::ReceivedHead;
use crate::body_sizes::BodySizes;
use crate::conventions::rpc::GrpcCall;
use crate::end_at::EndAt;
use crate::hooks::{HookOutput, SpanUpdate};
use crate::hop::Hop;
use crate::kept_request::KeptRequest;
use crate::metrics::attributes::MetricAttributes;
use crate::metrics::measurement::Measurement;
use crate::outcome::End;

/// One attempt: its span, its metrics and its hooks. It moves from the request to the response body and ends exactly once.
/// If it is dropped before, it ends as [`End::Cancelled`].
pub struct Exchange {
    pub(super) options: Arc<ClientOptions>,
    /// The context, and what hooks say about the attempt.
    pub(super) cell: RequestCell,
    pub(super) hop: Hop,
    /// The request, for hooks that run later.
    pub(super) request: Option<Box<KeptRequest>>,
    pub(super) url_full: Option<Arc<str>>,
    /// The template that is recorded in place of the path, if the options say so. Boxed, because few options do.
    pub(super) template: Option<Box<StringValue>>,
    pub(super) response: Option<ReceivedHead>,
    /// Further attributes of the response. They are set at the end.
    pub(super) late: Vec<KeyValue>,
    /// `None` if the option is not set.
    pub(super) sizes: Option<Box<BodySizes>>,
    pub(super) measurement: Option<Measurement>,
    pub(super) metric_attributes: Option<MetricAttributes>,
    pub(super) grpc: Option<Box<GrpcCall>>,
    pub(super) is_head_request: bool,
    pub(super) is_finished: bool,
}

impl Exchange {
    /// Runs a step of the attempt inside its context. If the step panics, the attempt ends and the panic continues.
    #[inline]
    pub fn run<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let (context, hop) = (self.context().clone(), self.hop);
        self.run_without_context(|| {
            let _hop = hop.enter_if_any();
            let _active = context.attach();
            step()
        })
    }

    /// Runs a step of the attempt, such as a frame of the body, without its context. If the step panics, the attempt ends and
    /// the panic continues.
    #[inline]
    pub fn run_without_context<T>(&mut self, step: impl FnOnce() -> T) -> T {
        let guard = PanicGuard(self);
        let result = step();
        mem::forget(guard);
        result
    }

    /// Returns the context of the span, to be injected into the request.
    #[must_use]
    #[inline]
    pub fn context(&self) -> &Context {
        self.cell.context()
    }

    /// Returns the URL as it is on the span, with secrets replaced. Returns `None` if the span is not sampled.
    #[must_use]
    #[inline]
    pub fn url_full(&self) -> Option<&str> {
        self.url_full.as_deref()
    }

    /// Returns a URL as it would be on the span: with secrets replaced, and not longer than the limit.
    #[must_use]
    pub fn redact(&self, url: &str) -> String {
        let route = self.template.as_deref().map(StringValue::as_str);
        let recorded = self.options.common.recorded_url(url, route);
        recorded.as_ref().to_owned()
    }

    /// Returns `true` if the attempt is a recorded gRPC call. Its status comes with the end of the body.
    #[must_use]
    #[inline]
    pub fn is_grpc(&self) -> bool {
        self.grpc.is_some()
    }

    /// Returns `true` if the attempt ends with the response body. The adapter then reports the body.
    #[must_use]
    #[inline]
    pub fn ends_with_body(&self) -> bool {
        self.is_grpc() || self.options.common.end_at == EndAt::Body
    }

    /// Returns the sizes of the bodies, if the option is set. The adapter reports what it knows.
    #[inline]
    pub fn sizes(&mut self) -> Option<&mut BodySizes> {
        self.sizes.as_deref_mut()
    }

    /// Sets an attribute of the span that only this adapter knows.
    #[inline]
    pub fn set_attribute(&mut self, attribute: KeyValue) {
        if self.cell.is_recording() {
            self.late.push(attribute);
        }
    }

    /// Runs a hook inside the context of the attempt, and keeps its changes.
    pub(super) fn run_hook(&mut self, hook: impl FnOnce(&mut SpanUpdate<'_>)) {
        let active = active_context::attach(self.context());
        let output = HookOutput::of(self.context(), self.cell.is_recording(), hook);
        drop(active);
        if let Some(output) = output {
            output.apply(&mut self.cell);
        }
    }
}

impl fmt::Debug for Exchange {
    // Leaves out the request head and the URL, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("context", self.context().span().span_context())
            .field("response", &self.response)
            .finish_non_exhaustive()
    }
}

struct PanicGuard<'a>(&'a mut Exchange);

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        self.0.finish(End::Panicked);
    }
}
