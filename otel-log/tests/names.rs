//! Whatever fields are called, each line is one JSON object with each key once, and every value comes back under the name
//! that the documented rule gives it.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::{collections::BTreeMap, sync::OnceLock};

use common::{Capture, log_layer};
use otel_log::{Format, Spans, fields};
use proptest::prelude::*;
use serde_json::{Map, Value};
use tracing::{
    Callsite, Dispatch, Event, Level, Metadata,
    callsite::Identifier,
    dispatcher::with_default,
    field::{FieldSet, Value as FieldValue},
    metadata::Kind,
    span,
    subscriber::Interest,
};
use tracing_subscriber::{layer::SubscriberExt as _, registry};

/// A callsite with names that no macro was given. Callsites are static, so it is never freed.
struct Made {
    metadata: OnceLock<Metadata<'static>>,
}

impl Callsite for Made {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &Metadata<'_> {
        self.metadata.get().unwrap()
    }
}

fn callsite(kind: Kind, names: &[String]) -> &'static Metadata<'static> {
    let names: Vec<&'static str> = names
        .iter()
        .map(|name| &*Box::leak(name.clone().into_boxed_str()))
        .collect();
    let made: &'static Made = Box::leak(Box::new(Made {
        metadata: OnceLock::new(),
    }));
    let fields = FieldSet::new(Box::leak(names.into_boxed_slice()), Identifier(made));
    made.metadata
        .get_or_init(|| Metadata::new("made", "names", Level::INFO, None, None, None, fields, kind))
}

/// Hands the fields with their values to `take`; tracing wants an array.
fn with_values<T>(
    metadata: &'static Metadata<'static>,
    values: &[String],
    take: impl FnOnce(&tracing::field::ValueSet<'_>) -> T,
) -> T {
    let mut fields = metadata.fields().iter().zip(values);
    let pairs: [_; MOST] = std::array::from_fn(|_| fields.next());
    // A place that is not used repeats the first field without a value.
    let first = metadata.fields().iter().next().unwrap();
    let all: Vec<_> = pairs
        .iter()
        .map(|pair| match pair {
            Some((field, value)) => (field, Some(*value as &dyn FieldValue)),
            None => (&first, None),
        })
        .collect();
    let all: [_; MOST] = all.try_into().unwrap_or_else(|_| unreachable!());
    take(&metadata.fields().value_set(&all))
}

const MOST: usize = 6;

/// Names that clash with the line, with each other, and with what the rule makes of them.
fn name() -> impl Strategy<Value = String> {
    let own = prop::sample::select(vec![
        "timestamp",
        "level",
        "target",
        "trace_id",
        "span_id",
        "trace_flags",
        "fields",
        "span",
        "spans",
        "service.name",
        "name",
        "fields_left_out",
        "lines_left_out",
    ]);
    prop_oneof![
        own.clone().prop_map(str::to_owned),
        (0..3_usize, own).prop_map(|(times, name)| format!("{}{name}", "field.".repeat(times))),
        prop::sample::select(vec![
            "a", "b", "r#a", "field.a", "field.", "A", "a b", "é", "\"", "\\", "\n"
        ])
        .prop_map(str::to_owned),
        "[a-z.]{1,12}",
        any::<String>().prop_filter("tracing has no empty names", |name| !name.is_empty()),
    ]
    .prop_filter("a secret, or the message", |name| {
        name != "message"
            && ![
                "password", "secret", "token", "cookie", "auth", "pin", "pwd", "otp", "jwt", "key",
            ]
            .iter()
            .any(|word| name.to_lowercase().contains(word))
    })
}

fn names() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(name(), 1..=MOST)
}

/// The first of two equal names stays; control fields of spans are left out by their name.
fn kept<'a>(names: &'a [String], values: &'a [String]) -> BTreeMap<&'a str, &'a String> {
    let mut kept = BTreeMap::new();
    for (name, value) in names.iter().zip(values) {
        kept.entry(name.strip_prefix("r#").unwrap_or(name))
            .or_insert(value);
    }
    kept
}

fn is_of_line(name: &str) -> bool {
    let base = name.trim_start_matches("field.");
    [
        "timestamp",
        "level",
        "target",
        "message",
        "trace_id",
        "span_id",
        "trace_flags",
        "code.file.path",
        "code.line.number",
        "thread.name",
        "thread.id",
        "fields",
        "span",
        "spans",
        "fields_left_out",
        "lines_left_out",
        "service.name",
    ]
    .contains(&base)
}

fn value_at<'a>(line: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let key = if is_of_line(name) {
        format!("field.{name}")
    } else {
        name.to_owned()
    };
    line.get(&key).and_then(Value::as_str)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_names_and_values_come_back(
        (of_event, of_span) in (names(), names()),
        event_values in prop::collection::vec(any::<String>(), MOST),
        span_values in prop::collection::vec(any::<String>(), MOST),
        nested: bool,
        spans in prop::sample::select(vec![Spans::Current, Spans::Merged, Spans::List, Spans::None]),
    ) {
        let capture = Capture::default();
        let layer = log_layer(&capture)
            .format(Format::opentelemetry())
            .nested(nested)
            .spans(spans)
            .with_fields(fields::fixed("service.name", "own"));
        with_default(&Dispatch::new(registry().with(layer)), || {
            let (span_site, event_site) = (callsite(Kind::SPAN, &of_span), callsite(Kind::EVENT, &of_event));
            let span = with_values(span_site, &span_values, |values| {
                tracing::dispatcher::get_default(|dispatch| {
                    let attributes = span::Attributes::new(span_site, values);
                    let id = dispatch.new_span(&attributes);
                    dispatch.enter(&id);
                    id
                })
            });
            with_values(event_site, &event_values, |values| Event::dispatch(event_site, values));
            tracing::dispatcher::get_default(|dispatch| dispatch.exit(&span));
        });
        let line = capture.line(); // one JSON object, each key once
        prop_assert_eq!(&line["level"], "INFO");
        prop_assert_eq!(&line["service.name"], "own");

        let (event, span) = (kept(&of_event, &event_values), kept(&of_span, &span_values));
        for (name, value) in &event {
            let found = if nested { line["fields"].get(*name).and_then(Value::as_str) } else { value_at(&line, name) };
            prop_assert_eq!(found, Some(value.as_str()), "event field {:?}", name);
        }
        for (name, value) in &span {
            let found = match (spans, nested) {
                (Spans::List, _) => {
                    let key = if name.trim_start_matches("field.") == "name" { format!("field.{name}") } else { (*name).to_owned() };
                    line["spans"][0].get(&key).and_then(Value::as_str)
                }
                (Spans::None, _) => continue,
                (_, true) => line["span"].get(*name).and_then(Value::as_str),
                (_, false) if event.contains_key(name) => continue,
                (_, false) => value_at(&line, name),
            };
            prop_assert_eq!(found, Some(value.as_str()), "span field {:?}", name);
        }
    }
}
