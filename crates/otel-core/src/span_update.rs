//! What a user's hook may change on the span of a request.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, Key, KeyValue, Value};

/// Collects what a hook says about a request; it is written to the span when the hook returns.
///
/// A hook that panics has said nothing: the panic is caught and the request goes on.
pub struct SpanUpdate<'a> {
    context: &'a Context,
    attributes: Vec<KeyValue>,
    name: Option<Cow<'static, str>>,
    verdict: Option<Verdict>,
}

/// What a hook says of a response, in place of what its status code says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is no error: the status stays unset.
    NoError,
    /// It is an error with this `error.type`.
    Error(Cow<'static, str>),
}

impl<'a> SpanUpdate<'a> {
    /// Whether attributes and name reach anyone. A hook can save the work of making them where they do not.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.context.span().is_recording()
    }

    /// The context of the request: its span and its baggage.
    #[must_use]
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// Adds an attribute to the span.
    pub fn set_attribute(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(key, value));
    }

    /// Names the span. Names should be few: a template, never a path or an id.
    pub fn set_name(&mut self, name: impl Into<Cow<'static, str>>) {
        self.name = Some(name.into());
    }

    /// Says that the response is no error, whatever its status code: a 404 that is expected.
    ///
    /// What goes wrong after the response head is an error all the same, and so is what the handler has recorded with
    /// [`record_err`](crate::error).
    pub fn set_no_error(&mut self) {
        self.verdict = Some(Verdict::NoError);
    }

    /// Says that the response is an error, whatever its status code: sets ERROR and this `error.type`.
    ///
    /// The values should be few: an identifier, never a message. An error that the handler has recorded with
    /// [`record_err`](crate::error) goes before it.
    pub fn set_error(&mut self, error_type: impl Into<Cow<'static, str>>) {
        self.verdict = Some(Verdict::Error(error_type.into()));
    }

    fn write(&mut self) {
        let span = self.context.span();
        if let Some(name) = self.name.take() {
            span.update_name(name);
        }
        if !self.attributes.is_empty() {
            span.set_attributes(self.attributes.drain(..));
        }
    }
}

/// What the hooks have said of one request; the last one counts. For instrumentations.
#[derive(Debug, Default)]
pub struct HookResults(Option<Box<Said>>);

/// In a box, since it moves about with each request and most hooks say nothing.
#[derive(Debug, Default)]
struct Said {
    verdict: Option<Verdict>,
    is_named: bool,
}

impl HookResults {
    /// Runs a hook on the span of this context, writes what it collected and notes what it has said.
    pub fn run(&mut self, context: &Context, hook: impl FnOnce(&mut SpanUpdate<'_>)) {
        let mut update = SpanUpdate {
            context,
            attributes: Vec::new(),
            name: None,
            verdict: None,
        };
        // What the hook has left half done is the hook's own; the update is given up.
        if catch_unwind(AssertUnwindSafe(|| hook(&mut update))).is_err() {
            tracing::warn!("a hook panicked; the request goes on without what it had to say");
            return;
        }
        let is_named = update.name.is_some();
        update.write();
        if is_named || update.verdict.is_some() {
            let said = self.0.get_or_insert_default();
            said.is_named |= is_named;
            said.verdict = update.verdict.or(said.verdict.take());
        }
    }

    /// What they say of the response, in place of what its status code says.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.0.as_ref()?.verdict.as_ref()
    }

    /// Whether one of them has named the span: then its name is theirs.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.0.as_ref().is_some_and(|said| said.is_named)
    }
}

impl fmt::Debug for SpanUpdate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanUpdate")
            .field("attributes", &self.attributes)
            .field("name", &self.name)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

    use super::*;

    fn updated(hook: impl FnOnce(&mut SpanUpdate<'_>)) -> (SpanData, HookResults) {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let mut span = provider.tracer("test").start("before");
        span.set_attribute(KeyValue::new("first", 1));
        let context = Context::new().with_span(span);
        let mut said = HookResults::default();
        said.run(&context, hook);
        context.span().end();
        (exporter.get_finished_spans().unwrap().remove(0), said)
    }

    #[test]
    fn what_the_hook_says_is_on_the_span() {
        let (span, said) = updated(|update| {
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
        assert_eq!(said.verdict(), Some(&Verdict::Error("overdrawn".into())));
        assert!(said.is_named());
    }

    #[test]
    fn a_hook_that_panics_has_said_nothing() {
        let (span, said) = updated(|update| {
            update.set_name("after");
            update.set_no_error();
            panic!("on purpose");
        });
        assert_eq!((span.name.as_ref(), said.verdict()), ("before", None));
        assert!(!said.is_named());
    }
}
