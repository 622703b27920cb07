//! `context()`, and what applications do with the context.

use std::time::{Duration, SystemTime};

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    FutureExt as _, Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _,
    TracerProvider as _, get_active_span,
};
use opentelemetry::{Context, KeyValue};
use tracing::{Span, debug_span, dispatcher, field, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use crate::common::{
    KINDS, Trial, assert_attribute, assert_child, assert_root, dispatch, extract, for_each,
    headers, ids, traceparent,
};

#[test]
fn headers_of_a_call_have_the_ids_of_the_current_span() {
    for_each(|trial| {
        let sent = info_span!("caller")
            .in_scope(|| info_span!("client").in_scope(|| headers(&Span::current().context())));
        let client = trial.get("client");
        assert_eq!(sent["traceparent"], traceparent(&client.span_context));
        assert_child(&client, &trial.get("caller").span_context);
    });
}

#[test]
fn headers_of_a_call_have_the_ids_of_a_span_that_is_entered_later() {
    for_each(|trial| {
        let span = info_span!("client");
        let sent = headers(&span.context());
        span.in_scope(|| ());
        span.in_scope(|| assert_eq!(headers(&Span::current().context()), sent));
        drop(span);
        let exported = trial.get("client").span_context;
        assert_eq!(sent["traceparent"], traceparent(&exported));
        assert!(!exported.is_remote());
    });
}

#[test]
fn the_trace_id_is_written_in_one_expression_and_recorded_as_a_field() {
    for_each(|trial| {
        let span = info_span!("request", trace_id = field::Empty, span_id = field::Empty);
        let trace_id = span.context().span().span_context().trace_id();
        span.record("trace_id", field::display(trace_id));
        let _entered = span.enter();
        let current = Span::current();
        let span_id = current.context().span().span_context().span_id();
        current.record("span_id", span_id.to_string());
        info_span!("inner").in_scope(|| {
            let inner = Span::current().context();
            assert_eq!(inner.span().span_context().trace_id(), trace_id);
            assert_ne!(inner.span().span_context().span_id(), span_id);
        });
        drop(current);
        drop(_entered);
        drop(span);
        let exported = trial.get("request");
        assert_attribute(&exported, "trace_id", trace_id.to_string());
        assert_attribute(&exported, "span_id", span_id.to_string());
        assert_eq!(exported.span_context.span_id(), span_id);
    });
}

#[test]
fn a_span_that_does_not_exist_has_an_empty_context() {
    for_each(|trial| {
        let (outer, _) = crate::common::sampled(5);
        let _attached = outer.attach();
        for span in [Span::none(), Span::current()] {
            let context = span.context();
            assert!(!context.has_active_span());
            assert!(!context.span().span_context().is_valid());
            assert!(headers(&context).is_empty());
            span.set_attribute("a", 1);
            span.set_status(Status::Ok);
            span.add_event("a", Vec::new());
            span.add_link(ids(&span));
        }
        assert!(trial.all().is_empty());
    });
}

/// axum-tracing-opentelemetry falls back to the active context.
#[test]
fn the_active_context_is_that_of_the_current_span() {
    for_each(|_| {
        info_span!("outer").in_scope(|| {
            assert!(Span::current().context().has_active_span());
            let expected = ids(&Span::current());
            assert_eq!(*Context::current().span().span_context(), expected);
            get_active_span(|span| assert_eq!(*span.span_context(), expected));
            let inner = info_span!("inner");
            inner.in_scope(|| {
                assert_eq!(*Context::current().span().span_context(), ids(&inner));
            });
            assert_eq!(*Context::current().span().span_context(), expected);
        });
        assert!(!Context::current().has_active_span());
    });
}

#[test]
fn a_context_outlives_its_span() {
    for_each(|trial| {
        let span = info_span!("request");
        let context = span.in_scope(|| Span::current().context());
        drop(span);
        let exported = trial.get("request");
        assert_eq!(*context.span().span_context(), exported.span_context);
        assert!(!context.span().is_recording());
        context.span().set_attribute(KeyValue::new("late", 1));

        let late = info_span!(parent: None, "late");
        late.set_parent(context).unwrap();
        drop(late);
        assert_child(&trial.get("late"), &exported.span_context);
        assert_eq!(trial.get("request").attributes, exported.attributes);
    });
}

#[test]
fn changes_through_the_context_arrive() {
    for_each(|trial| {
        let before = info_span!("before", otel.name = field::Empty);
        let after = info_span!("after", otel.name = field::Empty);
        after.in_scope(|| ());
        for (span, name) in [(&before, "GET /before"), (&after, "GET /after")] {
            assert!(span.context().span().is_recording());
            span.record("otel.name", name);
            let context = span.context();
            let inner = context.span();
            inner.set_attribute(KeyValue::new("number", 7));
            inner.set_status(Status::error("bad"));
            inner.add_event("event", vec![KeyValue::new("e", true)]);
            inner.record_error(&std::io::Error::other("broken"));
            inner.update_name(name);
        }
        before.in_scope(|| ());
        drop((before, after));
        for name in ["GET /before", "GET /after"] {
            let span = trial.get(name);
            assert_attribute(&span, "number", 7);
            assert_eq!(span.status, Status::error("bad"));
            assert_eq!(span.events.len(), 2);
            assert_eq!(span.events[0].attributes, [KeyValue::new("e", true)]);
            assert_eq!(span.events[1].name, "exception");
        }
    });
}

#[test]
fn a_span_can_be_ended_through_the_context() {
    for_each(|trial| {
        let span = info_span!("request");
        span.in_scope(|| span.context().span().end());
        let ended = trial.get("request");
        span.set_attribute("late", 1);
        drop(span);
        assert_eq!(trial.get("request"), ended);
    });
}

#[test]
fn a_manual_span_is_a_child_of_the_current_span() {
    for_each(|trial| {
        let tracer = trial.provider.tracer("db");
        let start = SystemTime::now() - Duration::from_secs(5);
        let request = info_span!("request");
        request.in_scope(|| {
            let mut query = tracer
                .span_builder("query")
                .with_kind(SpanKind::Client)
                .with_start_time(start)
                .start_with_context(&tracer, &Span::current().context());
            query.end();
        });
        tracer.start_with_context("later", &request.context()).end();
        let expected = ids(&request);
        drop(request);
        assert_child(&trial.get("query"), &expected);
        assert_eq!(trial.get("query").start_time, start);
        assert_child(&trial.get("later"), &expected);
    });
}

#[test]
fn an_attached_context_gives_its_values_to_inner_spans() {
    #[derive(Debug, PartialEq)]
    struct Tenant(&'static str);

    for_each(|trial| {
        let outer = info_span!("outer");
        let entered = outer.enter();
        let context = outer.context().with_value(Tenant("a"));
        let context = context.with_baggage([KeyValue::new("user", "u")]);
        let attached = context.attach();
        let inner = info_span!("inner");
        inner.in_scope(|| {
            let context = Span::current().context();
            assert_eq!(context.get::<Tenant>(), Some(&Tenant("a")));
            assert_eq!(context.baggage().get("user").unwrap().as_str(), "u");
            assert_eq!(Context::current().get::<Tenant>(), Some(&Tenant("a")));
        });
        drop(inner);
        drop(attached);
        assert_eq!(Span::current().context().get::<Tenant>(), None);
        drop(entered);
        let expected = ids(&outer);
        drop(outer);
        assert_child(&trial.get("inner"), &expected);
        assert_root(&trial.get("outer"));
    });
}

#[test]
fn a_context_is_attached_without_its_span_being_entered() {
    for_each(|trial| {
        let span = info_span!("request");
        let attached = span.context().attach();
        info_span!("child").in_scope(|| ());
        drop(attached);
        info_span!("no child").in_scope(|| ());
        let expected = ids(&span);
        drop(span);
        assert_child(&trial.get("child"), &expected);
        assert_root(&trial.get("no child"));
    });
}

#[tokio::test]
async fn a_future_runs_with_the_context_of_the_current_span() {
    for kind in crate::common::KINDS {
        let trial = crate::common::Trial::new(kind);
        let _default = tracing::dispatcher::set_default(&trial.registry());
        let request = info_span!("request");
        let call = async {
            tokio::task::yield_now().await;
            info_span!("call").in_scope(|| ());
        };
        let call = request.in_scope(|| call.with_context(Span::current().context()));
        call.await;
        let expected = ids(&request);
        drop(request);
        assert_child(&trial.get("call"), &expected);
    }
}

#[test]
fn a_service_reads_what_another_one_sent() {
    for_each(|trial| {
        let client = info_span!("client", otel.kind = "client");
        let sent = client.in_scope(|| headers(&Span::current().context()));
        let server = info_span!("server", otel.kind = "server");
        server.set_parent(extract(&sent)).unwrap();
        server.in_scope(|| info_span!("handler").in_scope(|| ()));
        drop((client, server));
        let server = trial.get("server");
        assert_child(&server, &trial.get("client").span_context);
        assert!(server.parent_span_is_remote);
        assert_child(&trial.get("handler"), &server.span_context);
    });
}

/// A span below the level of the layer, which another layer shows, must not break the trace.
#[test]
fn a_debug_span_is_in_the_trace_of_the_request() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let dispatch = dispatch!(trial, layer => {
            let shown = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
            registry().with(layer).with(shown)
        });
        let _default = dispatcher::set_default(&dispatch);
        let sent = info_span!("request").in_scope(|| {
            let detail = debug_span!("detail");
            assert_eq!(ids(&detail).trace_id(), ids(&Span::current()).trace_id());
            detail.in_scope(|| {
                let context = Span::current().context();
                let linked = info_span!(parent: None, "linked");
                linked.set_parent(context.clone()).unwrap();
                headers(&context)
            })
        });
        let trace_id = trial.get("request").span_context.trace_id();
        assert!(sent["traceparent"].starts_with(&format!("00-{trace_id}-")));
        assert_eq!(trial.get("linked").span_context.trace_id(), trace_id);
    }
}
