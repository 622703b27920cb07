use std::error::Error;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue};

use super::headers::{HeadersMut, inject};
use crate::error;
use crate::propagator::PropagatorChoice;
use crate::task::{Carried, InContext};

/// A span of [`Messaging`](super::Messaging) that has started; it ends when this is dropped.
///
/// It is not active by itself: [`run`](Self::run) and [`in_context`](Self::in_context) make it so.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct MessageSpan {
    context: Context,
    propagator: PropagatorChoice,
}

impl MessageSpan {
    pub(super) const fn new(context: Context, propagator: PropagatorChoice) -> Self {
        Self {
            context,
            propagator,
        }
    }

    /// The context in which this span is the active one.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Writes this span's context into the headers of a message, in place of what the propagator's fields held before.
    ///
    /// A message whose creator gave it a context should keep that one: do not inject into it, link the span to it.
    pub fn inject<H: HeadersMut + ?Sized>(&self, headers: &mut H) {
        self.propagator
            .with(|propagator| inject(propagator, &self.context, headers));
    }

    /// Returns this span's context as pairs of header and value, for messages that [`inject`](Self::inject) cannot write to.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        self.inject(&mut headers);
        headers
    }

    /// Runs the closure with this span active.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _attached = self.context.clone().attach();
        work()
    }

    /// Makes a future that runs with this span active.
    ///
    /// The future does not keep the span from ending; hold this until it is done.
    pub fn in_context<F>(&self, future: F) -> InContext<F> {
        Carried::with_context(self.context.clone()).in_context(future)
    }

    /// Sets an attribute that was not known at the start, such as the id that the broker gave to the message.
    pub fn set_attribute(&self, attribute: KeyValue) {
        self.context.span().set_attribute(attribute);
    }

    /// Records an error on this span, as [`error::record`] does on the current one.
    pub fn record_error<E: Error + 'static>(&self, error: &E) {
        self.run(|| error::record(error));
    }
}

impl Drop for MessageSpan {
    fn drop(&mut self) {
        self.context.span().end();
    }
}
