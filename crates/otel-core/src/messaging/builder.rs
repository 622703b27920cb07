use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use opentelemetry::baggage::{BaggageExt as _, KeyValueMetadata};
use opentelemetry::trace::{Link, Span as _, SpanBuilder, SpanContext, TraceContextExt as _};
use opentelemetry::{Context, KeyValue, StringValue};

use super::attribute;
use super::headers::{HeaderPair, Pairs};
use super::instrument::Messaging;
use super::operation::Operation;
use super::span::MessageSpan;
const SERVER_ADDRESS: &str = "server.address";
const SERVER_PORT: &str = "server.port";

/// What is known of an operation before its span starts.
///
/// Its parent is the context that is active when the operation is begun. Where `tracing` spans do not attach their context
/// (context activation switched off), attach `Span::current().context()` before.
#[must_use = "the span starts with `start`"]
pub struct MessageSpanBuilder<'a> {
    messaging: &'a Messaging,
    operation: Operation,
    operation_name: Cow<'static, str>,
    destination: Cow<'static, str>,
    template: Option<Cow<'static, str>>,
    temporary: bool,
    server: Option<(Cow<'static, str>, u16)>,
    attributes: Vec<KeyValue>,
    start_time: Option<SystemTime>,
    ambient: Context,
    message: Option<Context>,
    parent_from_message: bool,
    batch_links: Vec<Link>,
    batch_size: Option<usize>,
}

impl<'a> MessageSpanBuilder<'a> {
    pub(super) fn new(
        messaging: &'a Messaging,
        operation: Operation,
        destination: Cow<'static, str>,
    ) -> Self {
        Self {
            messaging,
            operation,
            operation_name: Cow::Borrowed(operation.as_str()),
            destination,
            template: None,
            temporary: false,
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

    /// Reads the context of the one message that this is about, and links the span to it.
    ///
    /// The message's baggage becomes the span's, if it has any.
    pub fn from<I>(mut self, headers: I) -> Self
    where
        I: IntoIterator<Item: HeaderPair>,
    {
        self.message = Some(self.read(&self.ambient, headers));
        self
    }

    /// Makes the span a child of the message's instead of linking the two, so that both are in one trace.
    ///
    /// For a queue that is part of one request, with one message at a time: the trace is then as long as the message waits.
    /// A span that is active here becomes a link. It has no effect on a batch, whose messages come from many traces.
    pub fn parent_from_message(mut self) -> Self {
        self.parent_from_message = true;
        self
    }

    /// Adds a message of a batch: a link to its context, with what is special about this message as the link's attributes.
    ///
    /// Each call counts for `messaging.batch.message_count`, also where the message has no context. The SDK keeps 128 links per
    /// span by default.
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

    /// Sets the number of messages in a batch whose messages share this span's context.
    pub fn batch_size(mut self, messages: usize) -> Self {
        self.batch_size = Some(messages);
        self
    }

    /// Sets the name that the system gives to the operation, such as `publish` or `ack`. By default that of its type.
    pub fn operation_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.operation_name = name.into();
        self
    }

    /// Sets the pattern that the destination's name was made from, such as `/customers/{id}`; it stands in the span's name.
    pub fn destination_template(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.template = Some(template.into());
        self
    }

    /// Keeps the destination out of the span's name, for queues that are made up for one use.
    pub fn temporary_destination(mut self) -> Self {
        self.temporary = true;
        self
    }

    /// Sets `messaging.message.id`.
    pub fn message_id(self, id: impl Into<StringValue>) -> Self {
        self.text(attribute::MESSAGE_ID, id.into())
    }

    /// Sets `messaging.message.conversation_id`, the correlation of a request and its reply.
    pub fn conversation_id(self, id: impl Into<StringValue>) -> Self {
        self.text(attribute::CONVERSATION_ID, id.into())
    }

    /// Sets `messaging.consumer.group.name`.
    pub fn consumer_group(self, name: impl Into<StringValue>) -> Self {
        self.text(attribute::CONSUMER_GROUP_NAME, name.into())
    }

    /// Sets `messaging.client.id`.
    pub fn client_id(self, id: impl Into<StringValue>) -> Self {
        self.text(attribute::CLIENT_ID, id.into())
    }

    /// Sets `messaging.destination.partition.id`.
    pub fn partition(self, id: impl Into<StringValue>) -> Self {
        self.text(attribute::DESTINATION_PARTITION_ID, id.into())
    }

    /// Sets `server.address` and `server.port`, the broker's.
    pub fn server(mut self, address: impl Into<Cow<'static, str>>, port: u16) -> Self {
        self.server = Some((address.into(), port));
        self
    }

    /// Adds an attribute, such as one of the system's own conventions.
    pub fn attribute(mut self, attribute: KeyValue) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Sets when the operation began, if that was before now.
    pub fn started_at(mut self, time: SystemTime) -> Self {
        self.start_time = Some(time);
        self
    }

    /// Starts the span. It ends when the handle is dropped.
    pub fn start(mut self) -> MessageSpan {
        let links = self.links();
        let mut builder = SpanBuilder::from_name(self.span_name())
            .with_kind(self.operation.kind(!links.is_empty()))
            .with_attributes(self.attributes())
            .with_links(links);
        builder.start_time = self.start_time;
        let span = self.messaging.tracer.start(builder, self.parent());
        let context = if span.span_context().is_valid() {
            self.span_parent_with_baggage().with_span(span)
        } else {
            // Without an SDK the incoming context passes through.
            self.message.unwrap_or(self.ambient)
        };
        MessageSpan::new(context, self.messaging.propagator.clone())
    }

    fn read<I>(&self, parent: &Context, headers: I) -> Context
    where
        I: IntoIterator<Item: HeaderPair>,
    {
        // Collected first: the caller's iterator must not run under the lock of the global propagator.
        let pairs = Pairs::of(headers);
        self.messaging
            .propagator
            .with(|propagator| propagator.extract_with_context(parent, &pairs))
    }

    fn text(self, key: &'static str, value: StringValue) -> Self {
        self.attribute(KeyValue::new(key, value))
    }

    /// The message's context, if the span shall be its child.
    fn message_as_parent(&self) -> Option<&Context> {
        let wanted = self.parent_from_message && self.batch_size.is_none();
        self.message.as_ref().filter(|_| wanted)
    }

    fn parent(&self) -> &Context {
        self.message_as_parent().unwrap_or(&self.ambient)
    }

    fn span_parent_with_baggage(&self) -> Context {
        match (&self.message, self.message_as_parent()) {
            (_, Some(message)) => message.clone(),
            (Some(message), None) if !message.baggage().is_empty() => {
                let members = message.baggage().iter().map(|(key, (value, metadata))| {
                    KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone())
                });
                self.ambient.with_baggage(members)
            }
            _ => self.ambient.clone(),
        }
    }

    /// To the messages; and to the ambient span, where a message took its place as the parent.
    fn links(&mut self) -> Vec<Link> {
        let mut links = std::mem::take(&mut self.batch_links);
        let Some(message) = &self.message else {
            return links;
        };
        let (ambient, message) = (span_context(&self.ambient), span_context(message));
        if ambient != message {
            let other = match self.message_as_parent() {
                Some(_) => ambient,
                None => message,
            };
            if other.is_valid() {
                links.insert(0, Link::with_context(other));
            }
        }
        links
    }

    fn span_name(&self) -> String {
        let operation = &self.operation_name;
        let named = !self.temporary && !self.destination.is_empty();
        match (&self.template, &self.server) {
            (Some(template), _) => format!("{operation} {template}"),
            (None, _) if named => format!("{operation} {}", self.destination),
            (None, Some((address, port))) => format!("{operation} {address}:{port}"),
            (None, None) => operation.to_string(),
        }
    }

    fn attributes(&mut self) -> Vec<KeyValue> {
        let text = |key: &'static str, value: &Cow<'static, str>| {
            KeyValue::new(key, StringValue::from(value.clone()))
        };
        let mut all = vec![
            text(attribute::SYSTEM, &self.messaging.system),
            text(attribute::OPERATION_NAME, &self.operation_name),
            KeyValue::new(attribute::OPERATION_TYPE, self.operation.as_str()),
        ];
        if !self.destination.is_empty() {
            all.push(text(attribute::DESTINATION_NAME, &self.destination));
        }
        if let Some(template) = &self.template {
            all.push(text(attribute::DESTINATION_TEMPLATE, template));
        }
        if self.temporary {
            all.push(KeyValue::new(attribute::DESTINATION_TEMPORARY, true));
        }
        if let Some((address, port)) = &self.server {
            all.push(text(SERVER_ADDRESS, address));
            all.push(KeyValue::new(SERVER_PORT, i64::from(*port)));
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
            .field("system", &self.messaging.system)
            .field("operation", &self.operation)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

fn span_context(cx: &Context) -> SpanContext {
    cx.span().span_context().clone()
}
