//! `OTEL_*_LIMIT`: how much a span may hold.

use opentelemetry::trace::{SpanContext, TraceState};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::{SpanData, SpanLimits};
use otel_core::limits::MAX_EXPORTED_TRACESTATE;
use otel_core::redact::Secrets;

use crate::variables::{Environment, Limit, ValueType as _, table};

/// Returns the numbers of attributes, events and links, which the SDK keeps to.
pub(crate) fn span_limits(environment: &Environment) -> SpanLimits {
    let attributes = environment.get(&table::ATTRIBUTE_COUNT, None);
    let own = environment.find(&table::SPAN_ATTRIBUTE_COUNT, &attributes.shown());
    SpanLimits {
        max_attributes_per_span: number(own.unwrap_or(attributes)),
        max_attributes_per_event: number(environment.get(&table::EVENT_ATTRIBUTES, None)),
        max_attributes_per_link: number(environment.get(&table::LINK_ATTRIBUTES, None)),
        max_events_per_span: number(environment.get(&table::SPAN_EVENTS, None)),
        max_links_per_span: number(environment.get(&table::SPAN_LINKS, None)),
    }
}

fn number(limit: Limit) -> u32 {
    u32::try_from(limit.0).unwrap_or(u32::MAX)
}

/// The length of text values, in characters, which the SDK does not know. Default: no limit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ValueLimit(Option<usize>);

impl ValueLimit {
    pub(crate) fn new(environment: &Environment) -> Self {
        let general = environment.find(&table::ATTRIBUTE_LENGTH, "no limit");
        let otherwise = general.map_or("no limit".into(), |limit| limit.shown());
        let own = environment.find(&table::SPAN_ATTRIBUTE_LENGTH, &otherwise);
        Self(own.or(general).map(|limit| limit.0))
    }

    /// Shortens the values of the span, its events and its links.
    ///
    /// Hides secrets before that: what is cut off may be the `@` that marks a password.
    pub(crate) fn apply(self, span: &mut SpanData, secrets: &Secrets) {
        let Some(limit) = self.0 else {
            return;
        };
        for attribute in attributes_mut(span) {
            if is_longer(&attribute.value, limit) {
                secrets.redact(attribute);
                shorten(&mut attribute.value, limit);
            }
        }
    }
}

/// Shortens the `tracestate` of the span and of its links, which a caller has chosen. It has been propagated already.
pub(crate) fn shorten_tracestates(span: &mut SpanData) {
    shorten_tracestate(&mut span.span_context);
    for link in &mut span.links.links {
        shorten_tracestate(&mut link.span_context);
    }
}

/// Keeps the first members that fit. W3C Trace Context 3.3.1.5: a member is removed as a whole.
fn shorten_tracestate(context: &mut SpanContext) {
    let state = context.trace_state();
    let lengths = state
        .into_iter()
        .map(|(key, value)| key.len() + 1 + value.len() + 1);
    if lengths.sum::<usize>() <= MAX_EXPORTED_TRACESTATE {
        return;
    }
    let mut left = MAX_EXPORTED_TRACESTATE;
    let first = state.into_iter().map_while(|(key, value)| {
        left = left.checked_sub(key.len() + 1 + value.len() + 1)?;
        Some((key, value))
    });
    *context = SpanContext::new(
        context.trace_id(),
        context.span_id(),
        context.trace_flags(),
        context.is_remote(),
        TraceState::from_key_value(first).unwrap_or_default(),
    );
}

/// Returns the attributes of the span, its events and its links.
pub(crate) fn attributes_mut(span: &mut SpanData) -> impl Iterator<Item = &mut KeyValue> {
    let events = span.events.events.iter_mut();
    let links = span.links.links.iter_mut();
    let of_events = events.flat_map(|event| &mut event.attributes);
    let of_links = links.flat_map(|link| &mut link.attributes);
    span.attributes.iter_mut().chain(of_events).chain(of_links)
}

/// Returns `true` if a text may have more characters than the limit.
fn is_longer(value: &Value, limit: usize) -> bool {
    match value {
        Value::String(text) => text.as_str().len() > limit,
        Value::Array(Array::String(texts)) => texts.iter().any(|text| text.as_str().len() > limit),
        _ => false,
    }
}

fn shorten(value: &mut Value, limit: usize) {
    match value {
        Value::String(text) => shorten_text(text, limit),
        Value::Array(Array::String(texts)) => {
            for text in texts {
                shorten_text(text, limit);
            }
        }
        _ => {}
    }
}

pub(crate) fn shorten_text(text: &mut StringValue, limit: usize) {
    if let Some((end, _)) = text.as_str().char_indices().nth(limit) {
        let short = text.as_str().get(..end).unwrap_or_default().to_owned();
        *text = short.into();
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;
    use opentelemetry::trace::{
        Link, Span as _, SpanBuilder, SpanId, TraceContextExt as _, TraceFlags, TraceId,
        Tracer as _, TracerProvider as _,
    };
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};

    use super::*;
    use crate::test_environment;

    #[test]
    fn the_spans_own_limit_wins_over_the_general_one() {
        let variables = [
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", Some("9")),
            ("OTEL_SPAN_EVENT_COUNT_LIMIT", Some("3")),
        ];
        let limits =
            test_environment::with_vars(variables, || span_limits(&Environment::default()));
        assert_eq!(limits.max_attributes_per_span, 9);
        assert_eq!(limits.max_events_per_span, 3);
        assert_eq!(limits.max_links_per_span, 128);
        let own = [
            ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", Some("4")),
            ("OTEL_SPAN_LINK_COUNT_LIMIT", Some("2")),
            ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", Some("5")),
            ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", Some("6")),
        ];
        let limits = test_environment::with_vars([variables.as_slice(), &own].concat(), || {
            span_limits(&Environment::default())
        });
        assert_eq!(limits.max_attributes_per_span, 4);
        assert_eq!(limits.max_links_per_span, 2);
        assert_eq!(limits.max_attributes_per_event, 5);
        assert_eq!(limits.max_attributes_per_link, 6);
    }

    #[test]
    fn a_long_tracestate_loses_its_last_members() {
        let table = [(3, 100, 3), (32, 10, 32), (32, 250, 4), (1, 256, 1)];
        for (members, length, expected) in table {
            let members = (0..members).map(|n| (format!("k{n}"), "v".repeat(length)));
            let caller = SpanContext::new(
                TraceId::from(1),
                SpanId::from(2),
                TraceFlags::SAMPLED,
                true,
                TraceState::from_key_value(members).unwrap(),
            );
            let exporter = InMemorySpanExporter::default();
            let provider = test_environment::with_only(&[], || {
                SdkTracerProvider::builder()
                    .with_simple_exporter(exporter.clone())
                    .build()
            });
            let parent = Context::new().with_remote_span_context(caller.clone());
            let builder =
                SpanBuilder::from_name("work").with_links(vec![Link::with_context(caller.clone())]);
            provider
                .tracer("test")
                .build_with_context(builder, &parent)
                .end();
            let mut span = exporter.get_finished_spans().unwrap().remove(0);
            let (trace_id, span_id) = (TraceId::from(1), span.span_context.span_id());
            shorten_tracestates(&mut span);
            for context in [&span.span_context, &span.links.links[0].span_context] {
                let kept: Vec<_> = context.trace_state().into_iter().collect();
                assert_eq!(kept.len(), expected, "{length}");
                let sent = caller.trace_state().into_iter();
                assert!(sent.take(expected).eq(kept), "{length}");
                assert_eq!(context.trace_id(), trace_id);
                assert!(context.is_sampled());
            }
            assert_eq!(span.span_context.span_id(), span_id);
            assert_eq!(span.links.links[0].span_context.span_id(), SpanId::from(2));
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let exporter = InMemorySpanExporter::default();
        let provider = test_environment::with_only(&[], || {
            SdkTracerProvider::builder()
                .with_simple_exporter(exporter.clone())
                .build()
        });
        let mut span = provider.tracer("test").start("work");
        let texts = Array::String(vec!["grün".into(), "rot".into()]);
        span.set_attribute(KeyValue::new("text", "grün"));
        span.set_attribute(KeyValue::new("texts", Value::Array(texts)));
        span.set_attribute(KeyValue::new("number", 12345));
        span.add_event("event", vec![KeyValue::new("text", "äöüß")]);
        span.end();
        let mut span = exporter.get_finished_spans().unwrap().remove(0);
        // The spans' own limit wins over the general one.
        let limits = [
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", Some("1")),
            ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", Some("3")),
        ];
        let limit =
            test_environment::with_vars(limits, || ValueLimit::new(&Environment::default()));
        let general =
            test_environment::with_vars(&limits[..1], || ValueLimit::new(&Environment::default()));
        assert_eq!(general.0, Some(1));
        limit.apply(&mut span, &Secrets::default());
        let values: Vec<_> = span
            .attributes
            .iter()
            .map(|it| it.value.to_string())
            .collect();
        assert_eq!(values, ["grü", r#"["grü","rot"]"#, "12345"]);
        let event = &span.events.events[0].attributes[0];
        assert_eq!(event.value.as_str(), "äöü");
    }

    #[test]
    fn a_cut_value_does_not_show_part_of_a_password() {
        let exporter = InMemorySpanExporter::default();
        let provider = test_environment::with_only(&[], || {
            SdkTracerProvider::builder()
                .with_simple_exporter(exporter.clone())
                .build()
        });
        let mut span = provider.tracer("t").start("s");
        span.set_attribute(KeyValue::new("target", "postgres://user:hunter2@h/db"));
        span.set_attribute(KeyValue::new(
            "url.full",
            "http://h/cb?code=hunter2&state=x",
        ));
        span.set_attribute(KeyValue::new("text", "a long text without a secret"));
        drop(span);
        let mut span = exporter.get_finished_spans().unwrap().remove(0);
        ValueLimit(Some(22)).apply(&mut span, &Secrets::default());
        let values: Vec<_> = span.attributes.iter().map(|it| it.value.as_str()).collect();
        let expected = [
            "postgres://REDACTED:RE",
            "http://h/cb?code=REDAC",
            "a long text without a ",
        ];
        assert_eq!(values, expected);
    }
}
