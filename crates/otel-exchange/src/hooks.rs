//! Hooks: functions of the application that see a request and change its span.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, Key, KeyValue, Value};
use otel_core::RequestHead;

use crate::{ResponseHead, callback};

/// A hook that runs when the span is open.
pub(crate) type RequestHook = Arc<dyn Fn(&RequestHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;
/// A hook that runs when the response head is there.
pub(crate) type ResponseHook =
    Arc<dyn Fn(&RequestHead<'_>, &ResponseHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;

/// The changes that a hook makes to a span. They are applied when the hook returns.
///
/// If the hook panics, the panic is caught, no change is applied and the request continues.
pub struct SpanUpdate<'a> {
    context: &'a Context,
    attributes: Vec<KeyValue>,
    name: Option<Cow<'static, str>>,
    status_override: Option<StatusOverride>,
}

/// A hook's decision whether the response is an error. It wins over the status code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatusOverride {
    /// The response is not an error. The status stays unset.
    NoError,
    /// The response is an error with this `error.type`.
    Error(Cow<'static, str>),
}

impl<'a> SpanUpdate<'a> {
    /// Returns `true` if the span is recorded. Otherwise attributes and names need not be computed.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.context.span().is_recording()
    }

    /// Returns the context of the request: its span and its baggage.
    #[must_use]
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// Sets an attribute of the span.
    pub fn set_attribute(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(key, value));
    }

    /// Sets the name of the span. Use one of few names: a template, never a path or an id.
    pub fn set_name(&mut self, name: impl Into<Cow<'static, str>>) {
        self.name = Some(name.into());
    }

    /// Marks the response as no error, whatever its status code, for example an expected 404.
    ///
    /// A failure after the response head is still an error. So is an error that the handler has recorded with
    /// [`record_err`](otel_core::error).
    pub fn set_no_error(&mut self) {
        self.status_override = Some(StatusOverride::NoError);
    }

    /// Marks the response as an error, whatever its status code: sets ERROR and this `error.type`.
    ///
    /// Use one of few values: an identifier, never a message. An error that the handler has recorded with
    /// [`record_err`](otel_core::error) wins.
    pub fn set_error(&mut self, error_type: impl Into<Cow<'static, str>>) {
        self.status_override = Some(StatusOverride::Error(error_type.into()));
    }

    fn apply(&mut self) {
        let span = self.context.span();
        if let Some(name) = self.name.take() {
            span.update_name(name);
        }
        if !self.attributes.is_empty() {
            span.set_attributes(self.attributes.drain(..));
        }
    }
}

/// The output of the hooks of one request. A later hook wins.
#[derive(Debug, Default)]
pub(crate) struct HookOutput(Option<Box<Output>>);

/// Boxed, because it moves with each request and most hooks set nothing.
#[derive(Debug, Default)]
struct Output {
    status_override: Option<StatusOverride>,
    is_named: bool,
}

impl HookOutput {
    /// Runs a hook on the span of this context and applies its changes.
    pub(crate) fn run(&mut self, context: &Context, hook: impl FnOnce(&mut SpanUpdate<'_>)) {
        let mut update = SpanUpdate {
            context,
            attributes: Vec::new(),
            name: None,
            status_override: None,
        };
        if callback::call("hook", || hook(&mut update)).is_none() {
            return;
        }
        let is_named = update.name.is_some();
        update.apply();
        if is_named || update.status_override.is_some() {
            let output = self.0.get_or_insert_default();
            output.is_named |= is_named;
            output.status_override = update.status_override.or(output.status_override.take());
        }
    }

    /// Returns the decision whether the response is an error.
    pub(crate) fn status_override(&self) -> Option<&StatusOverride> {
        self.0.as_ref()?.status_override.as_ref()
    }

    /// Returns `true` if a hook has named the span.
    pub(crate) fn is_named(&self) -> bool {
        self.0.as_ref().is_some_and(|output| output.is_named)
    }
}

impl fmt::Debug for SpanUpdate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanUpdate")
            .field("attributes", &self.attributes)
            .field("name", &self.name)
            .field("status_override", &self.status_override)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

    use super::*;

    fn updated(hook: impl FnOnce(&mut SpanUpdate<'_>)) -> (SpanData, HookOutput) {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let mut span = provider.tracer("test").start("before");
        span.set_attribute(KeyValue::new("first", 1));
        let context = Context::new().with_span(span);
        let mut output = HookOutput::default();
        output.run(&context, hook);
        context.span().end();
        (exporter.get_finished_spans().unwrap().remove(0), output)
    }

    #[test]
    fn the_changes_of_a_hook_are_on_the_span() {
        let (span, output) = updated(|update| {
            assert!(update.is_recording());
            update.set_name("after");
            update.set_attribute("tenant", "blue");
            update.set_error("overdrawn");
        });
        assert_eq!(span.name, "after");
        assert_eq!(
            span.attributes,
            [KeyValue::new("first", 1), KeyValue::new("tenant", "blue")]
        );
        assert_eq!(
            output.status_override(),
            Some(&StatusOverride::Error("overdrawn".into()))
        );
        assert!(output.is_named());
    }

    #[test]
    fn a_hook_that_panics_changes_nothing() {
        let (span, output) = updated(|update| {
            update.set_name("after");
            update.set_no_error();
            panic!("on purpose");
        });
        assert_eq!(
            (span.name.as_ref(), output.status_override()),
            ("before", None)
        );
        assert!(!output.is_named());
    }
}
