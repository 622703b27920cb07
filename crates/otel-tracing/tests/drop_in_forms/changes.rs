//! `set_attribute`, `set_status`, `add_event` and `add_event_with_timestamp`.

use std::fmt;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::Status;
use opentelemetry::{Array, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Span, field, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::common::{KINDS, Trial, assert_attribute, for_each, ids};
use crate::dropping::DroppingSampler;

/// Sets one attribute of each type.
fn set_all(span: &Span) {
    span.set_attribute("bool", true);
    span.set_attribute("integer", 7_i64);
    span.set_attribute("float", 0.5);
    span.set_attribute("static", "text");
    span.set_attribute("owned".to_owned(), "text".to_owned());
    span.set_attribute("list", Value::Array(Array::I64(vec![1, 2])));
}

#[test]
fn attributes_of_each_type() {
    for_each(|trial| {
        let before = info_span!("before");
        set_all(&before);
        before.in_scope(|| ());
        drop(before);
        info_span!("after").in_scope(|| set_all(&Span::current()));
        set_all(&info_span!("never entered"));
        for name in ["before", "after", "never entered"] {
            let span = trial.get(name);
            assert_attribute(&span, "bool", true);
            assert_attribute(&span, "integer", 7);
            assert_attribute(&span, "float", 0.5);
            assert_attribute(&span, "static", "text");
            assert_attribute(&span, "owned", "text");
            assert_attribute(&span, "list", Value::Array(Array::I64(vec![1, 2])));
        }
    });
}

#[test]
fn attributes_before_and_after_the_start_and_recorded_fields() {
    for_each(|trial| {
        let span = info_span!(
            "request",
            own = 1,
            late = field::Empty,
            later = field::Empty
        );
        span.set_attribute("first", 1);
        span.record("late", 2);
        span.in_scope(|| Span::current().set_attribute("second", 2));
        span.record("later", 3).set_attribute("third", 3);
        drop(span);
        let span = trial.get("request");
        for (key, value) in [
            ("own", 1),
            ("first", 1),
            ("late", 2),
            ("second", 2),
            ("later", 3),
            ("third", 3),
        ] {
            assert_attribute(&span, key, value);
        }
    });
}

#[test]
fn each_attribute_belongs_to_its_span() {
    for_each(|trial| {
        let outer = info_span!("outer");
        outer.in_scope(|| {
            info_span!("inner").in_scope(|| {
                Span::current().set_attribute("inner", 1);
                outer.set_attribute("outer", 1);
            });
            Span::current().set_attribute("outer again", 1);
        });
        drop(outer);
        let has = |name: &str, key: &str| {
            trial
                .get(name)
                .attributes
                .iter()
                .any(|it| it.key.as_str() == key)
        };
        assert!(has("inner", "inner") && !has("inner", "outer") && !has("inner", "outer again"));
        assert!(has("outer", "outer") && has("outer", "outer again") && !has("outer", "inner"));
    });
}

/// Some applications take this for the status.
#[test]
fn an_attribute_with_the_name_of_a_special_field_is_an_attribute() {
    for_each(|trial| {
        let span = info_span!("request");
        span.in_scope(|| Span::current().set_attribute("otel.status_code", "ERROR"));
        span.set_attribute("otel.name", "other");
        drop(span);
        let span = trial.get("request");
        assert_attribute(&span, "otel.status_code", "ERROR");
        assert_attribute(&span, "otel.name", "other");
        assert_eq!(span.status, Status::Unset);
    });
}

#[test]
fn a_status_before_and_after_the_start() {
    for_each(|trial| {
        let before = info_span!("before");
        before.set_status(Status::error("early"));
        before.in_scope(|| ());
        drop(before);
        let after = info_span!("after", id = field::Empty);
        after.in_scope(|| Span::current().record("id", 1).set_status(Status::Ok));
        drop(after);
        let both = info_span!("both");
        both.set_status(Status::Ok);
        both.in_scope(|| Span::current().set_status(Status::error("late")));
        drop(both);
        let closing = info_span!("closing");
        closing.in_scope(|| ());
        closing.set_status(Status::error("500"));
        drop(closing);
        info_span!("never entered").set_status(Status::Ok);
        assert_eq!(trial.get("before").status, Status::error("early"));
        assert_eq!(trial.get("after").status, Status::Ok);
        assert_eq!(trial.get("both").status, Status::Ok);
        assert_eq!(trial.get("closing").status, Status::error("500"));
        assert_eq!(trial.get("never entered").status, Status::Ok);
    });
}

#[test]
fn a_status_of_a_field_and_a_status_by_call() {
    for_each(|trial| {
        let span = info_span!("request", otel.status_code = field::Empty);
        span.in_scope(|| ());
        span.record("otel.status_code", "ERROR");
        span.set_status(Status::error("reason"));
        drop(span);
        assert_eq!(trial.get("request").status, Status::error("reason"));
    });
}

#[test]
fn the_last_status_before_the_start_is_used() {
    for_each(|trial| {
        let calls = info_span!("calls");
        calls.set_status(Status::Ok);
        calls.set_status(Status::error("late"));
        drop(calls);
        let field = info_span!("field", otel.status_code = "OK");
        field.set_status(Status::error("late"));
        drop(field);
        for name in ["calls", "field"] {
            assert_eq!(trial.get(name).status, Status::error("late"), "{name}");
        }
    });
}

#[test]
fn events_before_and_after_the_start() {
    for_each(|trial| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
        let span = info_span!("request");
        span.add_event("created", vec![KeyValue::new("n", 1)]);
        span.add_event_with_timestamp("created then", time, Vec::new());
        span.in_scope(|| {
            Span::current().add_event("first token", Vec::new());
            Span::current().add_event_with_timestamp(
                String::from("then"),
                time,
                vec![KeyValue::new("n", 2)],
            );
        });
        drop(span);
        let span = trial.get("request");
        let names: Vec<_> = span.events.iter().map(|it| it.name.as_ref()).collect();
        assert_eq!(names, ["created", "created then", "first token", "then"]);
        assert_eq!(span.events[0].attributes, [KeyValue::new("n", 1)]);
        assert_eq!(span.events[1].timestamp, time);
        assert_eq!(span.events[3].timestamp, time);
        assert_eq!(span.events[3].attributes, [KeyValue::new("n", 2)]);
        assert!(span.events[2].timestamp >= span.start_time);
    });
}

#[test]
fn a_sampler_sees_attributes_that_are_set_before_the_start() {
    for kind in KINDS {
        let builder = SdkTracerProvider::builder().with_sampler(DroppingSampler("drop"));
        let trial = Trial::with_provider(kind, builder);
        trial.run(|| {
            let dropped = info_span!("dropped");
            dropped.set_attribute("drop", true);
            dropped.in_scope(|| assert!(!ids(&Span::current()).is_sampled()));
            let kept = info_span!("kept");
            kept.in_scope(|| kept.set_attribute("drop", true));
        });
        assert_eq!(trial.all().len(), 1);
        assert_attribute(&trial.get("kept"), "drop", true);
    }
}

/// Reads the context of a span while it is formatted, as errors with a trace of spans do.
struct Ids<'a>(&'a Span);

impl fmt::Debug for Ids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", ids(self.0).span_id())
    }
}

#[test]
fn a_value_that_reads_the_context_while_it_is_recorded() {
    for_each(|trial| {
        let span = info_span!("request", before = field::Empty, after = field::Empty);
        span.record("before", field::debug(Ids(&span)));
        span.in_scope(|| {
            info!(ids = ?Ids(&span), "inside");
            info_span!("child", parent_id = ?Ids(&span)).in_scope(|| ());
        });
        span.record("after", field::debug(Ids(&span)));
        let expected = ids(&span).span_id().to_string();
        drop(span);
        assert_attribute(&trial.get("request"), "before", expected.clone());
        assert_attribute(&trial.get("request"), "after", expected.clone());
        assert_attribute(&trial.get("child"), "parent_id", expected);
    });
}

#[test]
fn a_field_is_recorded_while_another_thread_starts_the_span() {
    for_each(|trial| {
        for round in 0..300_u64 {
            let span = info_span!(
                "request",
                otel.name = format!("request {round}"),
                late = field::Empty
            );
            let barrier = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    barrier.wait();
                    span.in_scope(|| ());
                });
                barrier.wait();
                span.record("late", 1);
            });
            drop(span);
            assert_attribute(&trial.get(&format!("request {round}")), "late", 1);
        }
    });
}
