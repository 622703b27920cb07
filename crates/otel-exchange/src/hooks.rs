//! Hooks: functions of the application that see a request and change its span.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, Key, KeyValue, Value};
use otel_core::span_changes::{ErrorDecision, SpanChanges};
use otel_core::{RequestCell, RequestHead};

use crate::{Outcome, ResponseHead, callback};

/// A hook that runs when the span is open.
pub(crate) type RequestHook = Arc<dyn Fn(&RequestHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;
/// A hook that runs when the response head is there.
pub(crate) type ResponseHook =
    Arc<dyn Fn(&RequestHead<'_>, &ResponseHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;
/// A hook that runs at the end.
pub(crate) type EndHook =
    Arc<dyn Fn(&RequestHead<'_>, &Outcome<'_>, &mut SpanUpdate<'_>) + Send + Sync>;

/// The changes that a hook makes to the span of its exchange. They are applied when the hook returns.
///
/// They never change another span. If the exchange has no span, they change nothing, except the error of the metrics.
///
/// If the hook panics, the panic is caught, no change is applied and the request continues.
pub struct SpanUpdate<'a> {
    context: &'a Context,
    is_recording: bool,
    name: Option<Cow<'static, str>>,
    changes: SpanChanges,
}

/// The changes of a hook that has returned.
#[derive(Debug)]
pub(crate) struct HookOutput {
    name: Option<Cow<'static, str>>,
    changes: SpanChanges,
}

impl<'a> SpanUpdate<'a> {
    /// Returns `true` if the span is recorded. Otherwise attributes and names need not be computed.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.is_recording
    }

    /// Returns the context of the request: its span and its baggage. It is active while the hook runs.
    #[must_use]
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// Sets an attribute of the span. It replaces the value that the instrumentation sets, for example that of `http.route`.
    ///
    /// The attribute is written when the exchange ends. The last value of a key counts.
    pub fn set_attribute(&mut self, key: impl Into<Key>, value: impl Into<Value>) {
        if self.is_recording {
            self.changes.set_attribute(KeyValue::new(key, value));
        }
    }

    /// Sets the name of the span. Use one of few names: a template, never a path or an id.
    pub fn set_name(&mut self, name: impl Into<Cow<'static, str>>) {
        self.name = Some(name.into());
    }

    /// Marks the exchange as no error, whatever its status code, for example an expected 404.
    ///
    /// In `on_end` this is final. Before, a failure after the response head is still an error, and so is what the handler says
    /// later.
    pub fn clear_error(&mut self) {
        self.changes.decide(ErrorDecision::NoError);
    }

    /// Marks the exchange as an error, whatever its status code: sets ERROR and this `error.type`.
    ///
    /// Use one of few values: an identifier, never a message. The last word counts: of the handler or of a hook.
    pub fn set_error(&mut self, error_type: impl Into<Cow<'static, str>>) {
        let error = ErrorDecision::error(error_type.into(), None);
        self.changes.decide(error);
    }
}

impl HookOutput {
    /// Runs a hook, and returns its changes. Returns `None` if it panics.
    ///
    /// The context must be active. `is_recording` says whether its span is that of the exchange, and recorded.
    pub(crate) fn of(
        context: &Context,
        is_recording: bool,
        hook: impl FnOnce(&mut SpanUpdate<'_>),
    ) -> Option<Self> {
        let mut update = SpanUpdate {
            context,
            is_recording,
            name: None,
            changes: SpanChanges::default(),
        };
        callback::call("hook", || hook(&mut update))?;
        let SpanUpdate { name, changes, .. } = update;
        Some(Self { name, changes })
    }

    /// Applies the changes to the span of this cell.
    pub(crate) fn apply(self, cell: &mut RequestCell) {
        let Self { name, mut changes } = self;
        if let Some(name) = name {
            changes.set_named();
            if cell.is_recording() {
                cell.context().span().update_name(name);
            }
        }
        if !changes.is_empty() {
            cell.change(|before| before.add(changes));
        }
    }
}

impl fmt::Debug for SpanUpdate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanUpdate")
            .field("name", &self.name)
            .field("changes", &self.changes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

    use super::*;

    fn updated(
        has_own_span: bool,
        hook: impl FnOnce(&mut SpanUpdate<'_>),
    ) -> (SpanData, Option<Box<SpanChanges>>) {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let context = Context::new().with_span(provider.tracer("test").start("before"));
        let mut cell = RequestCell::new(context.clone(), has_own_span, true);
        if let Some(output) = HookOutput::of(&context, cell.is_recording(), hook) {
            output.apply(&mut cell);
        }
        context.span().end();
        let span = exporter.get_finished_spans().unwrap().remove(0);
        (span, cell.take_changes())
    }

    #[test]
    fn the_changes_of_a_hook_are_kept_for_the_end() {
        let (span, changes) = updated(true, |update| {
            assert!(update.is_recording());
            update.set_name("after");
            update.set_attribute("tenant", "red");
            update.set_attribute("tenant", "blue");
            update.set_error("overdrawn");
        });
        assert_eq!(span.name, "after");
        let changes = changes.unwrap();
        assert_eq!(changes.attributes(), [KeyValue::new("tenant", "blue")]);
        let overdrawn = ErrorDecision::error("overdrawn".into(), None);
        assert_eq!(changes.error(), Some(&overdrawn));
        assert!(changes.is_named());
    }

    #[test]
    fn a_hook_that_panics_changes_nothing() {
        let (span, changes) = updated(true, |update| {
            update.set_name("after");
            update.clear_error();
            panic!("on purpose");
        });
        assert_eq!(span.name, "before");
        assert!(changes.is_none());
    }

    #[test]
    fn a_hook_never_changes_the_span_of_another() {
        let (span, changes) = updated(false, |update| {
            assert!(!update.is_recording());
            update.set_name("after");
            update.set_attribute("tenant", "blue");
        });
        assert_eq!(span.name, "before");
        assert!(changes.unwrap().attributes().is_empty());
    }
}
