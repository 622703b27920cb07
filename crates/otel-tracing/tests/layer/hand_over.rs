//! A span that another instrumentation has started is not made a second time.

use opentelemetry::Context;
use opentelemetry::trace::{Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::Sampler;
use otel_core::span_access::{self, SpanAccess};
use tracing::{Span, dispatcher, error, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use crate::common::{get, named, provider};

#[test]
fn the_tracing_span_carries_the_span_that_is_handed_over() {
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let subscriber = registry().with(otel_tracing::layer(&provider).with_events(true));
    dispatcher::with_default(&subscriber.into(), || {
        assert!(SpanAccess::current().is_some());
        let server = Context::new().with_span(provider.tracer("server").start("GET /"));
        let request = span_access::hand_over(server.clone(), || info_span!("request", path = "/"));
        let other = request.clone();
        std::thread::spawn(move || {
            other.in_scope(|| Context::map_current(|it| it.has_active_span()))
        })
        .join()
        .unwrap();
        request.in_scope(|| {
            drop(info_span!("inner"));
            Span::current().set_attribute("through.trait", true);
            error!("does not decide about the status");
        });
        assert_eq!(
            request.context().span().span_context(),
            server.span().span_context()
        );
        assert!(request.set_parent(Context::new()).is_err());
        drop(request);
        assert!(server.span().is_recording(), "the layer does not end it");
        server.span().end();
    });
    let spans = exporter.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 2, "{spans:?}");
    let server = named(&spans, "GET /");
    assert_eq!(server.status, Status::Unset);
    assert_eq!(server.events.events.len(), 1);
    assert_eq!(get(&server.attributes, "through.trait"), Some(true.into()));
    assert_eq!(get(&server.attributes, "path"), None);
    let inner = named(&spans, "inner");
    assert_eq!(inner.parent_span_id, server.span_context.span_id());
}

/// The next span of the thread is a span of its own, also if the filter hides the span of the hand-over.
#[test]
fn a_hand_over_ends_with_its_span() {
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let subscriber = registry().with(otel_tracing::layer(&provider));
    dispatcher::with_default(&subscriber.into(), || {
        let server = Context::new().with_span(provider.tracer("server").start("GET /"));
        let hidden = span_access::hand_over(server, || tracing::debug_span!("request"));
        assert!(hidden.is_disabled());
        drop(info_span!("next"));
    });
    let spans = exporter.get_finished_spans().unwrap();
    assert!(!named(&spans, "next").parent_span_is_remote);
    assert_eq!(spans.len(), 2);
}
