//! `add_link`, `add_link_with_attributes` and `follows_from`.

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use tracing::{Span, info_span, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::common::{Trial, assert_root, for_each, ids, sampled};

fn linked(trial: &Trial, name: &str) -> Vec<SpanContext> {
    let links = trial.get(name).links.links;
    links.into_iter().map(|it| it.span_context).collect()
}

#[test]
fn links_before_and_after_the_start() {
    for_each(|trial| {
        let ((_, first), (_, second)) = (sampled(1), sampled(2));
        let span = info_span!("consumer", otel.kind = "consumer");
        span.add_link(first.clone());
        span.in_scope(|| {
            let attributes = vec![KeyValue::new("index", 2)];
            Span::current().add_link_with_attributes(second.clone(), attributes);
        });
        span.add_link(SpanContext::NONE);
        drop(span);
        assert_eq!(linked(trial, "consumer"), [first, second]);
        let links = trial.get("consumer").links.links;
        assert_eq!(links[1].attributes, [KeyValue::new("index", 2)]);
        assert_root(&trial.get("consumer"));
    });
}

#[instrument(skip_all)]
fn handle(caller: &Span) {
    Span::current().add_link(caller.context().span().span_context().clone());
}

#[test]
fn a_link_to_another_span_in_an_instrumented_function() {
    for_each(|trial| {
        let caller = info_span!("caller");
        let expected = ids(&caller);
        info_span!("loop").in_scope(|| handle(&caller));
        assert_eq!(linked(trial, "handle"), [expected]);
    });
}

#[test]
fn a_link_to_a_span_that_has_closed() {
    for_each(|trial| {
        let startup = info_span!("startup");
        let stored = startup.in_scope(|| ids(&Span::current()));
        drop(startup);
        for name in ["first", "second"] {
            let job = info_span!(parent: None, "job", otel.name = name);
            job.add_link_with_attributes(stored.clone(), vec![KeyValue::new("link.type", "job")]);
            job.in_scope(|| ());
        }
        assert_eq!(linked(trial, "first"), std::slice::from_ref(&stored));
        assert_eq!(linked(trial, "second"), [stored]);
    });
}

#[test]
fn a_background_span_follows_from_the_current_span() {
    for_each(|trial| {
        let request = info_span!("request");
        let task = request.in_scope(|| {
            let task = info_span!(parent: Span::none(), "task");
            task.follows_from(Span::current());
            task
        });
        task.in_scope(|| {
            Span::current().follows_from(&request);
        });
        let expected = ids(&request);
        drop((request, task));
        assert_eq!(linked(trial, "task"), [expected.clone(), expected]);
        assert_root(&trial.get("task"));
    });
}

#[test]
fn a_follower_and_a_link_to_a_span_that_is_not_entered() {
    for_each(|trial| {
        let first = info_span!("first");
        let second = info_span!("second");
        second.follows_from(&first);
        second.add_link(ids(&first));
        second.set_attribute("a", 1);
        let expected = ids(&first);
        drop((first, second));
        assert_eq!(
            linked(trial, "second"),
            [expected.clone(), expected.clone()]
        );
        assert_eq!(trial.get("first").span_context, expected);
    });
}
