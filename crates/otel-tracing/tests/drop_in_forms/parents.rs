//! `set_parent` on a span that has not started.

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{Span as _, SpanContext, TraceContextExt as _, TraceFlags, TraceState};
use opentelemetry::{Context, KeyValue, TraceId};
use opentelemetry_sdk::trace::{SdkTracerProvider, Span as SdkSpan, SpanData, SpanProcessor};
use tracing::{Instrument as _, Span, field, info, info_span};
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, SetParentError};

use crate::common::{
    KINDS, Trial, assert_attribute, assert_child, assert_root, extract, for_each, headers, ids,
    remote, sampled,
};

#[test]
fn a_remote_parent_before_the_span_is_entered() {
    for_each(|trial| {
        let (context, caller) = sampled(7);
        let span = info_span!("request");
        span.set_parent(context).unwrap();
        {
            let _entered = span.enter();
            info!("inside");
            info_span!("child").in_scope(|| ());
        }
        let expected = ids(&span);
        drop(span);
        let request = trial.get("request");
        assert_eq!(request.span_context, expected);
        assert_child(&request, &caller);
        assert!(request.parent_span_is_remote);
        assert_child(&trial.get("child"), &expected);
    });
}

#[tokio::test]
async fn a_remote_parent_before_a_future_is_instrumented() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let _default = tracing::dispatcher::set_default(&trial.registry());
        let (context, caller) = sampled(7);
        let span = info_span!("request");
        span.set_parent(context).unwrap();
        let handler = async {
            tokio::task::yield_now().await;
            info_span!("child").in_scope(|| ());
            headers(&Span::current().context())
        };
        let sent = handler.instrument(span).await;
        let request = trial.get("request");
        assert_child(&request, &caller);
        let expected = crate::common::traceparent(&request.span_context);
        assert_eq!(sent["traceparent"], expected);
        assert_child(&trial.get("child"), &request.span_context);
    }
}

/// A span that has not been entered is exported with its parent too.
#[test]
fn a_parent_of_a_span_that_is_never_entered() {
    for_each(|trial| {
        let (context, caller) = sampled(7);
        let span = info_span!("request");
        span.set_parent(context).unwrap();
        drop(span);
        assert_child(&trial.get("request"), &caller);
    });
}

#[test]
fn the_last_parent_is_used() {
    for_each(|trial| {
        let ((first, _), (second, caller)) = (sampled(7), sampled(8));
        let span = info_span!("request");
        span.set_parent(first).unwrap();
        span.set_parent(second).unwrap();
        span.in_scope(|| ());
        drop(span);
        assert_child(&trial.get("request"), &caller);
    });
}

#[test]
fn an_empty_context_starts_a_new_trace() {
    for_each(|trial| {
        let outer = info_span!("outer");
        outer.in_scope(|| {
            let inner = info_span!("inner");
            inner.set_parent(Context::new()).unwrap();
            inner.add_link_with_attributes(
                ids(&Span::current()),
                vec![KeyValue::new("link.type", "previous")],
            );
            inner.in_scope(|| info_span!("child").in_scope(|| ()));
            // The active context is back.
            info_span!("sibling").in_scope(|| ());
        });
        let expected = ids(&outer);
        drop(outer);
        let inner = trial.get("inner");
        assert_root(&inner);
        assert_ne!(inner.span_context.trace_id(), expected.trace_id());
        assert_eq!(inner.links.links[0].span_context, expected);
        assert_child(&trial.get("child"), &inner.span_context);
        assert_child(&trial.get("sibling"), &expected);
    });
}

/// `extract` starts from the active context, so a call without headers keeps the parent.
#[test]
fn headers_without_a_context_keep_the_active_parent() {
    for_each(|trial| {
        let empty = Default::default();
        let root = info_span!("root");
        root.set_parent(extract(&empty)).unwrap();
        root.in_scope(|| {
            let child = info_span!("child");
            child.set_parent(extract(&empty)).unwrap();
            child.in_scope(|| ());
            let other = info_span!("other");
            other.set_parent(Context::current()).unwrap();
            other.in_scope(|| ());
        });
        let expected = ids(&root);
        drop(root);
        assert_root(&trial.get("root"));
        assert_child(&trial.get("child"), &expected);
        assert_child(&trial.get("other"), &expected);
    });
}

/// Without a `tracing` parent the request is exported at once, although the task goes on.
#[test]
fn a_background_span_is_a_child_without_holding_its_parent_open() {
    for_each(|trial| {
        let request = info_span!("request");
        let task = request.in_scope(|| {
            let task = info_span!(parent: None, "task");
            task.set_parent(Span::current().context()).unwrap();
            task
        });
        drop(request);
        let request = trial.get("request").span_context;
        task.in_scope(|| info_span!("work").in_scope(|| ()));
        drop(task);
        let task = trial.get("task");
        assert_child(&task, &request);
        assert!(!task.parent_span_is_remote);
        assert_child(&trial.get("work"), &task.span_context);
    });
}

#[test]
fn a_local_context_as_if_it_were_remote() {
    for_each(|trial| {
        let first = info_span!("first");
        let stored = first.in_scope(|| ids(&Span::current()));
        drop(first);
        let rebuilt = SpanContext::new(
            stored.trace_id(),
            stored.span_id(),
            stored.trace_flags(),
            true,
            TraceState::from_key_value([("vendor", "1")]).unwrap(),
        );
        let second = info_span!("second");
        let context = Span::current().context().with_remote_span_context(rebuilt);
        second.set_parent(context).unwrap();
        let third = info_span!(parent: &second, "third");
        third.in_scope(|| {
            let sent = headers(&Span::current().context());
            assert_eq!(sent["tracestate"], "vendor=1");
        });
        drop((third, second));
        assert_child(&trial.get("second"), &stored);
        assert_child(&trial.get("third"), &trial.get("second").span_context);
    });
}

/// opentelemetry-lambda's handlers: everything is set before the span starts.
#[test]
fn name_attributes_links_and_then_the_parent() {
    for_each(|trial| {
        let ((context, caller), (_, linked)) = (sampled(7), sampled(8));
        let span = info_span!(
            "handler",
            otel.name = field::Empty,
            otel.kind = field::Empty
        );
        span.record("otel.name", "order created");
        span.record("otel.kind", "consumer");
        span.set_attribute("faas.trigger", "pubsub".to_owned());
        span.add_link_with_attributes(linked.clone(), vec![KeyValue::new("n", 1)]);
        span.set_parent(context).unwrap();
        span.set_attribute("faas.coldstart", true);
        span.in_scope(|| ());
        drop(span);
        let handler = trial.get("order created");
        assert_child(&handler, &caller);
        assert_eq!(handler.span_kind, opentelemetry::trace::SpanKind::Consumer);
        assert_attribute(&handler, "faas.trigger", "pubsub");
        assert_attribute(&handler, "faas.coldstart", true);
        assert_eq!(handler.links.links[0].span_context, linked);
        assert_eq!(handler.links.links[0].attributes, [KeyValue::new("n", 1)]);
    });
}

#[test]
fn baggage_of_the_parent_is_there_until_the_response() {
    for_each(|_| {
        let context = sampled(7).0.with_baggage([KeyValue::new("path", "/a")]);
        let span = info_span!("request");
        span.set_parent(context).unwrap();
        span.in_scope(|| {
            let baggage = |context: Context| context.baggage().get("path").cloned().unwrap();
            assert_eq!(baggage(Context::current()).as_str(), "/a");
            info_span!("child").in_scope(|| {
                assert_eq!(baggage(Span::current().context()).as_str(), "/a");
            });
        });
        let context = span.context();
        assert_eq!(context.baggage().get("path").unwrap().as_str(), "/a");
    });
}

/// Some callers send baggage and no trace.
#[test]
fn a_parent_that_only_has_baggage() {
    for_each(|trial| {
        let tenant = |context: Context| context.baggage().get("tenant").map(ToString::to_string);
        let root = info_span!("root");
        let baggage = [KeyValue::new("tenant", "a")];
        root.set_parent(Context::new().with_baggage(baggage))
            .unwrap();
        root.in_scope(|| {
            assert_eq!(tenant(Context::current()).unwrap(), "a");
            let child = info_span!("child");
            let baggage = [KeyValue::new("tenant", "b")];
            child
                .set_parent(Context::current().with_baggage(baggage))
                .unwrap();
            assert_eq!(tenant(child.context()).unwrap(), "b");
            child.in_scope(|| assert_eq!(tenant(Context::current()).unwrap(), "b"));
        });
        assert_eq!(tenant(root.context()).unwrap(), "a");
        let expected = ids(&root);
        drop(root);
        assert_root(&trial.get("root"));
        assert_child(&trial.get("child"), &expected);
    });
}

/// Copies an entry of the parent's baggage to each span.
#[derive(Debug)]
struct BaggageProcessor;

impl SpanProcessor for BaggageProcessor {
    fn on_start(&self, span: &mut SdkSpan, parent: &Context) {
        if let Some(tenant) = parent.baggage().get("tenant") {
            span.set_attribute(KeyValue::new("tenant", tenant.as_str().to_owned()));
        }
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> opentelemetry_sdk::error::OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(
        &self,
        _: std::time::Duration,
    ) -> opentelemetry_sdk::error::OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_processor_sees_the_parent() {
    for kind in KINDS {
        let builder = SdkTracerProvider::builder().with_span_processor(BaggageProcessor);
        let trial = Trial::with_provider(kind, builder);
        trial.run(|| {
            let span = info_span!("request");
            let baggage = [KeyValue::new("tenant", "a")];
            span.set_parent(sampled(7).0.with_baggage(baggage)).unwrap();
            span.in_scope(|| info_span!("child").in_scope(|| ()));
        });
        assert_attribute(&trial.get("request"), "tenant", "a");
        assert_attribute(&trial.get("child"), "tenant", "a");
    }
}

#[test]
fn a_parent_that_is_not_sampled() {
    for_each(|trial| {
        let (context, caller) = remote(7, TraceFlags::NOT_SAMPLED);
        let span = info_span!("request");
        span.set_parent(context).unwrap();
        span.in_scope(|| {
            let child = info_span!("child");
            child.set_attribute("a", 1);
            let sent = headers(&child.in_scope(|| Span::current().context()));
            let trace_id = caller.trace_id();
            assert!(sent["traceparent"].starts_with(&format!("00-{trace_id}-")));
            assert!(sent["traceparent"].ends_with("-00"));
        });
        assert_eq!(ids(&span).trace_id(), TraceId::from(7_u128));
        assert!(!span.context().span().is_recording());
        drop(span);
        assert!(trial.all().is_empty());
    });
}

#[test]
fn an_event_before_the_parent_does_not_start_the_span() {
    for_each(|trial| {
        let (context, caller) = sampled(7);
        let span = info_span!("request");
        info!(parent: &span, "received");
        span.record("missing", 1);
        span.set_parent(context).unwrap();
        drop(span);
        assert_child(&trial.get("request"), &caller);
    });
}

#[test]
fn a_disabled_span_has_no_parent() {
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt as _;

    for kind in KINDS {
        let trial = Trial::new(kind);
        let dispatch = crate::common::dispatch!(trial, layer => tracing_subscriber::registry().with(layer).with(LevelFilter::WARN));
        tracing::dispatcher::with_default(&dispatch, || {
            let span = info_span!("request");
            let result = span.set_parent(sampled(7).0);
            assert!(matches!(result, Err(SetParentError::SpanDisabled)));
            assert!(!span.context().has_active_span());
        });
        assert!(trial.all().is_empty());
    }
}
