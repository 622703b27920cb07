use std::error::Error;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};
use otel_core::context_loss::ExpectedTrace;
use otel_core::error;
use otel_core::propagator::PropagatorChoice;
use otel_core::task::{Carried, InContext};

use crate::headers::{HeadersMut, inject};

/// A started span of [`Messaging`](crate::Messaging). The span ends when this value is dropped.
///
/// The span is not active by itself: [`run`](Self::run) and [`in_context`](Self::in_context) make it the active span.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct MessageSpan {
    context: Context,
    propagator: PropagatorChoice,
}

impl MessageSpan {
    pub(crate) const fn new(context: Context, propagator: PropagatorChoice) -> Self {
        Self {
            context,
            propagator,
        }
    }

    /// Returns the context in which this span is the active span.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Writes this span's context into the headers of a message. Earlier values of the propagator's fields are removed first.
    ///
    /// Do not inject into a message that already has a context from its creator: link the span to that context instead.
    pub fn inject<H: HeadersMut + ?Sized>(&self, headers: &mut H) {
        self.propagator
            .with(|propagator| inject(propagator, &self.context, headers));
    }

    /// Returns this span's context as pairs of header and value, for header types that [`inject`](Self::inject) cannot write.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        self.inject(&mut headers);
        headers
    }

    /// Runs the closure with this span active.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _attached = self.context.clone().attach();
        let _expected = ExpectedTrace::enter(&self.context, || false);
        work()
    }

    /// Wraps a future so that it runs with this span active.
    ///
    /// The future does not keep the span open. Keep this value until the future has completed.
    pub fn in_context<F>(&self, future: F) -> InContext<F> {
        Carried::with_context(self.context.clone()).in_context(future)
    }

    /// Sets an attribute that was not known at the start, such as the message id that the broker assigned.
    pub fn set_attribute(&self, attribute: KeyValue) {
        self.context.span().set_attribute(attribute);
    }

    /// Records an error on this span, as [`otel_core::error::record`] does on the current span.
    pub fn record_error<E: Error + ?Sized + 'static>(&self, error: &E) {
        self.run(|| error::record(error));
    }
}

impl Drop for MessageSpan {
    fn drop(&mut self) {
        self.context.span().end();
    }
}
