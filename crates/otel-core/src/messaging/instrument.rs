use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, Tracer, TracerProvider};

use super::builder::MessageSpanBuilder;
use super::operation::Operation;
use crate::propagator::PropagatorChoice;
use crate::tracer::LazyTracer;

/// Makes the spans of one messaging system.
///
/// Make it once and keep it; a clone shares the tracer. It uses the global tracer provider and propagator unless others
/// are given.
#[derive(Clone)]
#[must_use = "it makes spans only when asked"]
pub struct Messaging {
    pub(super) system: Cow<'static, str>,
    pub(super) tracer: Arc<LazyTracer>,
    pub(super) propagator: PropagatorChoice,
}

impl Messaging {
    /// Names the system, as `messaging.system` lists them: `kafka`, `rabbitmq`, `aws_sqs`, `gcp_pubsub` and more.
    pub fn new(system: impl Into<Cow<'static, str>>) -> Self {
        Self {
            system: system.into(),
            tracer: Arc::new(LazyTracer::new(scope())),
            propagator: PropagatorChoice::default(),
        }
    }

    /// Makes spans with this provider instead of the global one.
    pub fn tracer_provider<P, T, S>(mut self, provider: &P) -> Self
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        self.tracer = Arc::new(LazyTracer::from_provider(provider, scope()));
        self
    }

    /// Reads and writes headers with this propagator instead of the global one.
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.propagator = PropagatorChoice::from_propagator(propagator);
        self
    }

    /// Begins a span for making one message, before a batch of them is sent.
    ///
    /// Inject this span into the message, and give the message to the [`send`](Self::send) span with
    /// [`batch_message`](MessageSpanBuilder::batch_message).
    pub fn create(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        MessageSpanBuilder::new(self, Operation::Create, destination.into())
    }

    /// Begins a span for handing one or more messages to the broker.
    ///
    /// Its context goes into the messages, unless they bring contexts of their own, which must stay as they are.
    pub fn send(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        MessageSpanBuilder::new(self, Operation::Send, destination.into())
    }

    /// Begins a span for asking the broker for messages.
    ///
    /// What comes is known only afterwards: take the time before, ask, and begin the span with
    /// [`started_at`](MessageSpanBuilder::started_at). An empty answer then need not make one.
    pub fn receive(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        MessageSpanBuilder::new(self, Operation::Receive, destination.into())
    }

    /// Begins a span for handling one or more delivered messages.
    pub fn process(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        MessageSpanBuilder::new(self, Operation::Process, destination.into())
    }

    /// Begins a span for acknowledging or rejecting messages.
    pub fn settle(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        MessageSpanBuilder::new(self, Operation::Settle, destination.into())
    }
}

impl fmt::Debug for Messaging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messaging")
            .field("system", &self.system)
            .finish_non_exhaustive()
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("otel_core")
        .with_version(env!("CARGO_PKG_VERSION"))
        .build()
}
