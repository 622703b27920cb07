use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{Span, Tracer, TracerProvider};
use otel_core::propagator::PropagatorChoice;
use otel_core::tracer::LazyTracer;

use crate::builder::MessageSpanBuilder;
use crate::operation::Operation;
use crate::tools::Tools;

/// Creates the spans of one messaging system.
///
/// Create it once and keep it. Clones share the tracer. By default it uses the global tracer provider and the global
/// propagator.
#[derive(Clone, Debug)]
#[must_use = "it creates a span only when one of its methods is called"]
pub struct Messaging {
    tools: Tools,
}

impl Messaging {
    /// Creates an instrument for a system, named as in the conventions' list for `messaging.system.name`: `kafka`, `rabbitmq`,
    /// `aws_sqs`, `gcp_pubsub` and more.
    pub fn new(system: impl Into<Cow<'static, str>>) -> Self {
        Self {
            tools: Tools {
                system: system.into(),
                tracer: Arc::new(LazyTracer::new(scope())),
                propagator: PropagatorChoice::default(),
            },
        }
    }

    /// Sets the tracer provider. By default the global one is used.
    pub fn tracer_provider<P, T, S>(mut self, provider: &P) -> Self
    where
        P: TracerProvider<Tracer = T>,
        T: Tracer<Span = S> + Send + Sync + 'static,
        S: Span + Send + Sync + 'static,
    {
        self.tools.tracer = Arc::new(LazyTracer::from_provider(provider, scope()));
        self
    }

    /// Sets the propagator that reads and writes headers. By default the global one is used.
    pub fn propagator(
        mut self,
        propagator: impl TextMapPropagator + Send + Sync + 'static,
    ) -> Self {
        self.tools.propagator = PropagatorChoice::from_propagator(propagator);
        self
    }

    /// Begins a span for creating one message, before a batch of messages is sent.
    ///
    /// Inject this span into the message, and pass the message's headers to
    /// [`batch_message`](MessageSpanBuilder::batch_message) of the [`send`](Self::send) span.
    pub fn create(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        self.begin(Operation::Create, destination.into())
    }

    /// Begins a span for handing one or more messages to the broker.
    ///
    /// Inject its context into messages that have no context yet. A message that already has one must keep it.
    pub fn send(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        self.begin(Operation::Send, destination.into())
    }

    /// Begins a span for asking the broker for messages.
    ///
    /// The messages are known only after the call to the broker. Note the time before the call, and begin the span after it
    /// with [`started_at`](MessageSpanBuilder::started_at). An empty answer then needs no span.
    pub fn receive(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        self.begin(Operation::Receive, destination.into())
    }

    /// Begins a span for handling one or more delivered messages.
    pub fn process(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        self.begin(Operation::Process, destination.into())
    }

    /// Begins a span for acknowledging or rejecting messages.
    pub fn settle(&self, destination: impl Into<Cow<'static, str>>) -> MessageSpanBuilder<'_> {
        self.begin(Operation::Settle, destination.into())
    }

    fn begin(
        &self,
        operation: Operation,
        destination: Cow<'static, str>,
    ) -> MessageSpanBuilder<'_> {
        MessageSpanBuilder::new(&self.tools, operation, destination)
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("otel_messaging")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(otel_core::SCHEMA_URL)
        .build()
}
