//! What an adapter reports of a request body.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use opentelemetry::Value;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use otel_exchange::End;
use otel_exchange::RequestBodyProgress;
use otel_exchange::server::error_type::{BODY_ERROR, SERVICE_ERROR};
use otel_exchange::server::{Exchange, ServerOptions};

/// Serves a request with an announced size of 9, whose adapter reports the body in this way.
fn serve(end: End, report: impl FnOnce(&RequestBodyProgress)) -> SpanData {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let mut options = ServerOptions::new("test", "1");
    options.common_mut().set_tracer_provider(&provider);
    options.common_mut().enable_body_sizes();
    let opened = Exchange::open(&Arc::new(options), &mut Request::new(()));
    let (mut exchange, entry) = opened.unwrap();
    exchange.sizes().unwrap().announce_request(Some(9));
    let progress = exchange.watch_request_body().unwrap();
    exchange.run_first(entry, || report(&progress));
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    exchange.respond(&mut response);
    exchange.finish(end);
    exporter.get_finished_spans().unwrap().remove(0)
}

fn attribute(span: &SpanData, key: &str) -> Option<Value> {
    let found = span.attributes.iter().find(|it| it.key.as_str() == key);
    found.map(|it| it.value.clone())
}

#[test]
fn a_body_that_broke_off_cancels_the_request_that_was_answered() {
    for end in [
        End::Complete,
        End::Failed(BODY_ERROR),
        End::Failed(SERVICE_ERROR),
    ] {
        let span = serve(end, |body| {
            body.data(4);
            body.break_off();
        });
        assert_eq!(attribute(&span, "error.type"), Some("cancelled".into()));
        assert_eq!(
            attribute(&span, "http.response.status_code"),
            Some(400.into())
        );
        assert_eq!(attribute(&span, "http.request.body.size"), Some(9.into()));
        assert_eq!(span.status, Status::error(""));
    }
    let span = serve(End::Panicked, RequestBodyProgress::break_off);
    assert_eq!(attribute(&span, "error.type"), Some("panic".into()));
}

#[test]
fn a_body_that_was_read_has_its_size_and_another_the_announced_size() {
    let read = serve(End::Complete, |body| {
        body.data(4);
        body.data(3);
        body.complete();
    });
    assert_eq!(attribute(&read, "http.request.body.size"), Some(7.into()));
    assert_eq!(attribute(&read, "error.type"), None);
    let begun = serve(End::Complete, |body| body.data(4));
    assert_eq!(attribute(&begun, "http.request.body.size"), Some(9.into()));
    assert_eq!(attribute(&begun, "error.type"), None);
}

#[test]
fn nobody_watches_a_body_for_a_request_that_nothing_observes() {
    let mut options = ServerOptions::new("test", "1");
    options.common_mut().set_tracer_provider(
        &SdkTracerProvider::builder()
            .with_sampler(opentelemetry_sdk::trace::Sampler::AlwaysOff)
            .build(),
    );
    let opened = Exchange::open(&Arc::new(options), &mut Request::new(()));
    let (mut exchange, _entry) = opened.unwrap();
    assert!(exchange.watch_request_body().is_none());
}
