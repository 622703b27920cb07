use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{Link, Span as _, SpanBuilder, SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, StringValue};
use otel_core::propagation::with_baggage_of;

use crate::attribute;
use crate::headers::{HeaderPair, Pairs};
use crate::operation::Operation;
use crate::span::MessageSpan;
use crate::tools::Tools;

/// A span of [`Messaging`](crate::Messaging) that has not started yet.
///
/// The span's parent is the context that was active when the builder was created. If your `tracing` layer does not activate the
/// contexts of its spans (`with_context_activation(false)`), attach `Span::current().context()` before you create the builder.
#[must_use = "the span starts with `start`"]
pub struct MessageSpanBuilder<'a> {
    tools: &'a Tools,
    operation: Operation,
    operation_name: Cow<'static, str>,
    destination: Cow<'static, str>,
    template: Option<Cow<'static, str>>,
    is_temporary: bool,
    is_anonymous: bool,
    server: Option<(Cow<'static, str>, u16)>,
    attributes: Vec<KeyValue>,
    start_time: Option<SystemTime>,
    ambient: Context,
    /// The ambient context with what the message carries. It has the message's span, or none.
    message: Option<Context>,
    parent_from_message: bool,
    batch_links: Vec<Link>,
    batch_size: Option<usize>,
}

impl<'a> MessageSpanBuilder<'a> {
    pub(crate) fn new(
        tools: &'a Tools,
        operation: Operation,
        destination: Cow<'static, str>,
    ) -> Self {
        Self {
            tools,
            operation,
            operation_name: Cow::Borrowed(operation.as_str()),
            destination,
            template: None,
            is_temporary: false,
            is_anonymous: false,
            server: None,
            attributes: Vec::new(),
            start_time: None,
            ambient: Context::current(),
            message: None,
            parent_from_message: false,
            batch_links: Vec::new(),
            batch_size: None,
        }
    }

    /// Reads the context that the message's producer has injected and links the span to it.
    ///
    /// If the message carries baggage, it replaces the baggage of the active context.
    pub fn from<I>(mut self, headers: I) -> Self
    where
        I: IntoIterator<Item: HeaderPair>,
    {
        let without_span = self.ambient.with_remote_span_context(SpanContext::NONE);
        self.message = Some(self.read(&without_span, headers));
        self
    }

    /// Makes the span a child of the message's span as well, so that both are in one trace. By default the two are only linked.
    ///
    /// Use it for a queue that is part of one request and delivers one message at a time. The trace then lasts as long as the
    /// message waits. The span that is active here becomes a second link. Batches ignore this option, because their messages come
    /// from many traces.
    pub fn parent_from_message(mut self) -> Self {
        self.parent_from_message = true;
        self
    }

    /// Adds a message of a batch: a link to the message's context, with the attributes of this message.
    ///
    /// Each call counts towards `messaging.batch.message_count`, even if the message has no context. By default the SDK keeps
    /// 128 links per span.
    pub fn batch_message<I>(
        mut self,
        headers: I,
        attributes: impl IntoIterator<Item = KeyValue>,
    ) -> Self
    where
        I: IntoIterator<Item: HeaderPair>,
    {
        let message = self.read(&Context::new(), headers);
        let context = message.span().span_context().clone();
        if context.is_valid() {
            let attributes = attributes.into_iter().collect();
            self.batch_links.push(Link::new(context, attributes, 0));
        }
        self.batch_size = Some(self.batch_size.unwrap_or(0) + 1);
        self
    }

    /// Sets the number of messages of a batch in which all messages share this span's context.
    pub fn batch_size(mut self, messages: usize) -> Self {
        self.batch_size = Some(messages);
        self
    }

    /// Sets the system's name for the operation, such as `publish` or `ack`. The default is the operation's type.
    pub fn operation_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.operation_name = name.into();
        self
    }

    /// Sets the pattern behind the destination's name, such as `/customers/{id}`. The span's name then has the pattern
    /// instead of the destination.
    pub fn destination_template(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.template = Some(template.into());
        self
    }

    /// Marks the destination as temporary, such as a queue for the replies to one client. The span's name is then the operation's
    /// name only, unless [`destination_template`](Self::destination_template) is set.
    pub fn temporary_destination(mut self) -> Self {
        self.is_temporary = true;
        self
    }

    /// Marks the destination as anonymous: it has no name, or a generated one. The span's name is then the operation's name only,
    /// unless [`destination_template`](Self::destination_template) is set.
    pub fn anonymous_destination(mut self) -> Self {
        self.is_anonymous = true;
        self
    }

    /// Sets `messaging.message.id`.
    pub fn message_id(self, id: impl Into<StringValue>) -> Self {
        self.attribute(text(attribute::MESSAGE_ID, id))
    }

    /// Sets `messaging.message.conversation_id`, which correlates a request and its reply.
    pub fn conversation_id(self, id: impl Into<StringValue>) -> Self {
        self.attribute(text(attribute::CONVERSATION_ID, id))
    }

    /// Sets `messaging.consumer.group.name`.
    pub fn consumer_group(self, name: impl Into<StringValue>) -> Self {
        self.attribute(text(attribute::CONSUMER_GROUP_NAME, name))
    }

    /// Sets `messaging.client.id`.
    pub fn client_id(self, id: impl Into<StringValue>) -> Self {
        self.attribute(text(attribute::CLIENT_ID, id))
    }

    /// Sets `messaging.destination.partition.id`.
    pub fn partition(self, id: impl Into<StringValue>) -> Self {
        self.attribute(text(attribute::DESTINATION_PARTITION_ID, id))
    }

    /// Sets `server.address` and `server.port` of the broker.
    pub fn server(mut self, address: impl Into<Cow<'static, str>>, port: u16) -> Self {
        self.server = Some((address.into(), port));
        self
    }

    /// Adds an attribute, such as one from the conventions of this system.
    pub fn attribute(mut self, attribute: KeyValue) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Sets the start time, for an operation that began earlier. The default is the time of [`start`](Self::start).
    pub fn started_at(mut self, time: SystemTime) -> Self {
        self.start_time = Some(time);
        self
    }

    /// Starts the span. The span ends when the returned value is dropped.
    pub fn start(mut self) -> MessageSpan {
        let (links, base) = (self.links(), self.base());
        let have_contexts = self.creation().is_some() || !self.batch_links.is_empty();
        let mut builder = SpanBuilder::from_name(self.span_name())
            .with_kind(self.operation.kind(have_contexts))
            .with_attributes(self.attributes())
            .with_links(links);
        builder.start_time = self.start_time;
        let span = self.tools.tracer.start(builder, &base);
        let context = if span.span_context().is_valid() {
            base.with_span(span)
        } else {
            // Without an SDK the incoming context passes through.
            let creation = self.creation().is_some();
            self.message.filter(|_| creation).unwrap_or(base)
        };
        MessageSpan::new(context, self.tools.propagator.clone())
    }

    fn read<I>(&self, parent: &Context, headers: I) -> Context
    where
        I: IntoIterator<Item: HeaderPair>,
    {
        // Collected first: the caller's iterator must not run while the global propagator is locked.
        let pairs = Pairs::new(headers);
        self.tools
            .propagator
            .with(|propagator| propagator.extract_with_context(parent, &pairs))
    }

    /// Returns the creation context of the message. Returns `None` if the message carries none.
    fn creation(&self) -> Option<SpanContext> {
        let creation = span_context(self.message.as_ref()?);
        creation.is_valid().then_some(creation)
    }

    /// Returns `true` if the span is a child of the message's span, which is known.
    fn is_child_of_message(&self) -> bool {
        self.parent_from_message && self.batch_size.is_none() && self.creation().is_some()
    }

    /// Returns the context that the span is added to: its parent, and the baggage of the message if it has any.
    fn base(&self) -> Context {
        match &self.message {
            Some(message) if self.is_child_of_message() => message.clone(),
            Some(message) if !message.baggage().is_empty() => {
                with_baggage_of(&self.ambient, message)
            }
            _ => self.ambient.clone(),
        }
    }

    /// Links the span to its messages, and to the active span if the message's span is the parent instead.
    fn links(&self) -> Vec<Link> {
        let ambient = span_context(&self.ambient);
        let mut links = Vec::new();
        if let Some(creation) = self.creation() {
            let is_other = ambient.is_valid() && ambient.span_id() != creation.span_id();
            links.push(Link::with_context(creation));
            if is_other && self.is_child_of_message() {
                links.push(Link::with_context(ambient));
            }
        }
        links.extend_from_slice(&self.batch_links);
        links
    }

    /// Returns the operation and its destination. A server is a destination only for operations that have no other (messaging
    /// conventions, "Span name").
    fn span_name(&self) -> String {
        let operation = &self.operation_name;
        match (&self.template, &self.server) {
            (Some(template), _) => format!("{operation} {template}"),
            _ if self.is_temporary || self.is_anonymous => operation.to_string(),
            _ if !self.destination.is_empty() => format!("{operation} {}", self.destination),
            (None, Some((address, port))) => format!("{operation} {address}:{port}"),
            (None, None) => operation.to_string(),
        }
    }

    fn attributes(&mut self) -> Vec<KeyValue> {
        let mut all = vec![
            text(attribute::SYSTEM, self.tools.system.clone()),
            text(attribute::OPERATION_NAME, self.operation_name.clone()),
            KeyValue::new(attribute::OPERATION_TYPE, self.operation.as_str()),
        ];
        if !self.destination.is_empty() {
            all.push(text(attribute::DESTINATION_NAME, self.destination.clone()));
        }
        if let Some(template) = &self.template {
            all.push(text(attribute::DESTINATION_TEMPLATE, template.clone()));
        }
        if self.is_temporary {
            all.push(KeyValue::new(attribute::DESTINATION_TEMPORARY, true));
        }
        if self.is_anonymous {
            all.push(KeyValue::new(attribute::DESTINATION_ANONYMOUS, true));
        }
        if let Some((address, port)) = &self.server {
            all.push(text(attribute::SERVER_ADDRESS, address.clone()));
            all.push(KeyValue::new(attribute::SERVER_PORT, i64::from(*port)));
        }
        if let Some(messages) = self.batch_size {
            let messages = i64::try_from(messages).unwrap_or(i64::MAX);
            all.push(KeyValue::new(attribute::BATCH_MESSAGE_COUNT, messages));
        }
        all.append(&mut self.attributes);
        all
    }
}

impl fmt::Debug for MessageSpanBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageSpanBuilder")
            .field("system", &self.tools.system)
            .field("operation", &self.operation)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

fn text(key: &'static str, value: impl Into<StringValue>) -> KeyValue {
    KeyValue::new(key, value.into())
}

fn span_context(cx: &Context) -> SpanContext {
    cx.span().span_context().clone()
}
