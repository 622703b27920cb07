//! One attempt of a client.

use std::error::Error;
use std::fmt;
use std::mem;
use std::sync::Arc;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use otel_core::{RequestCell, active_context};

use super::options::ClientOptions;
use super::received_head::ReceivedHead;
use super::undecided::Undecided;
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
    pub(super) response: Option<ReceivedHead>,
    /// Further attributes of the response. They are set at the end.
    pub(super) late: Vec<KeyValue>,
    /// `None` if the option is not set.
    pub(super) sizes: Option<Box<BodySizes>>,
    pub(super) measurement: Option<Measurement>,
    pub(super) metric_attributes: Option<MetricAttributes>,
    pub(super) grpc: Option<Box<GrpcCall>>,
    pub(super) undecided: Option<Box<Undecided>>,
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

    /// Returns `true` if the attempt has a span that is recorded. What only the span needs can be left out otherwise.
    #[must_use]
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.cell.is_recording()
    }

    /// Returns `true` if the attempt is a recorded gRPC call, as far as known. Its status comes with the end of the body.
    ///
    /// The response head may show that the attempt is not a call.
    #[must_use]
    #[inline]
    pub fn is_grpc(&self) -> bool {
        self.grpc.is_some()
    }

    /// Returns `true` if the attempt ends with the response body. The adapter then reports the body. Of a gRPC call
    /// the answer is final after [`respond`](Self::respond).
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
