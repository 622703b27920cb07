//! `set_parent` on a span that has started. It fails, and must not change the span.

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::{Span, info_span, instrument};
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, SetParentError};

use crate::common::{assert_child, assert_root, for_each, ids, sampled};

#[track_caller]
fn assert_started(span: &Span) {
    let result = span.set_parent(sampled(7).0);
    assert!(
        matches!(result, Err(SetParentError::AlreadyStarted)),
        "{result:?}"
    );
}

#[instrument]
fn handler() {
    let before = ids(&Span::current());
    assert_started(&Span::current());
    assert_eq!(ids(&Span::current()), before);
    info_span!("child").in_scope(|| ());
}

#[test]
fn the_current_span_in_an_instrumented_function() {
    for_each(|trial| {
        info_span!("outer").in_scope(handler);
        assert_child(&trial.get("handler"), &trial.get("outer").span_context);
        assert_child(&trial.get("child"), &trial.get("handler").span_context);
    });
}

#[test]
fn the_current_span_with_a_remote_context_from_its_own() {
    for_each(|trial| {
        let span = info_span!("receive");
        span.in_scope(|| {
            let (_, caller) = sampled(7);
            let context = Span::current().context().with_remote_span_context(caller);
            let result = Span::current().set_parent(context);
            assert!(matches!(result, Err(SetParentError::AlreadyStarted)));
        });
        drop(span);
        assert_root(&trial.get("receive"));
    });
}

#[test]
fn a_span_whose_context_has_been_read() {
    for_each(|trial| {
        let span = info_span!("request");
        let expected = ids(&span);
        assert_started(&span);
        drop(span);
        assert_root(&trial.get("request"));
        assert_eq!(trial.get("request").span_context, expected);
    });
}

#[test]
fn a_span_that_was_entered_before() {
    for_each(|trial| {
        let span = info_span!("request");
        span.in_scope(|| ());
        assert_started(&span);
        assert_started(&span);
        drop(span);
        assert_root(&trial.get("request"));
    });
}

#[test]
fn a_span_with_a_child_by_an_explicit_parent() {
    for_each(|trial| {
        let span = info_span!("request");
        let child = info_span!(parent: &span, "child");
        assert_started(&span);
        child.set_parent(Context::new()).unwrap();
        drop((child, span));
        assert_root(&trial.get("request"));
        assert_root(&trial.get("child"));
    });
}

#[test]
fn a_link_to_a_span_starts_it() {
    for_each(|trial| {
        let (first, second) = (info_span!("first"), info_span!("second"));
        second.add_link(ids(&first));
        assert_started(&first);
        let (context, caller) = sampled(8);
        second.set_parent(context).unwrap();
        drop((first, second));
        assert_child(&trial.get("second"), &caller);
    });
}

#[test]
fn changes_do_not_start_a_span() {
    for_each(|trial| {
        let (context, caller) = sampled(7);
        let span = info_span!("request");
        span.set_attribute("a", 1);
        span.set_status(opentelemetry::trace::Status::Ok);
        span.add_event("event", Vec::new());
        span.add_link(sampled(8).1);
        span.set_parent(context).unwrap();
        drop(span);
        assert_child(&trial.get("request"), &caller);
    });
}
