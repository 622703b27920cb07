//! The client middleware against real local servers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod attributes;
mod bodies;
mod context;
mod endings;
mod foreign_propagator;
mod hooks;
mod http2;
#[path = "../../../otel-tower/tests/support/jaeger.rs"]
mod jaeger;
mod long_texts;
mod metrics;
mod policy;
mod redirects;
mod retries;
mod second_middleware;
mod server;
mod sizes;
mod tls;

use opentelemetry::Context;
use opentelemetry::Value;
use opentelemetry::trace::{
    FutureExt as _, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use otel_core::propagation::CompositePropagator;
use otel_reqwest::ClientMiddleware;
use otel_testkit::{Recorder, Span, Trace};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

/// A traced client that does not depend on anything global.
fn client(recorder: &Recorder) -> ClientWithMiddleware {
    client_of(reqwest::Client::new(), recorder)
}

fn client_of(inner: reqwest::Client, recorder: &Recorder) -> ClientWithMiddleware {
    client_with(inner, middleware(recorder))
}

fn client_with(inner: reqwest::Client, middleware: ClientMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(inner).with(middleware).build()
}

/// A middleware that does not depend on anything global.
fn middleware(recorder: &Recorder) -> ClientMiddleware {
    let propagator: CompositePropagator = "tracecontext,baggage".parse().unwrap();
    ClientMiddleware::new()
        .tracer_provider(&recorder.tracer_provider())
        .propagator(propagator)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

/// Runs the future inside a span `work`, which ends with it.
fn block_on_in_work<T>(recorder: &Recorder, future: impl Future<Output = T>) -> T {
    let tracer = recorder.tracer_provider().tracer("test");
    let context = Context::new().with_span(tracer.start("work"));
    let result = block_on(future.with_context(context.clone()));
    context.span().end();
    result
}

/// The attempts of a trace whose root is `work`, in their order. There is nothing else in it.
#[track_caller]
fn attempts(trace: &Trace) -> Vec<&Span> {
    let mut attempts = trace.children(trace.span("work").unwrap());
    attempts.sort_by_key(|span| span.start());
    assert_eq!(trace.spans().len(), attempts.len() + 1, "{trace}");
    attempts
}

/// The one attempt, with what every attempt has.
#[track_caller]
fn only_attempt(recorder: &Recorder) -> Span {
    let trace = recorder.trace();
    let [attempt] = attempts(&trace)[..] else {
        panic!("one attempt was expected:\n{trace}")
    };
    assert_eq!(attempt.kind(), &SpanKind::Client, "{attempt:?}");
    for key in [
        "http.request.method",
        "server.address",
        "server.port",
        "url.full",
    ] {
        assert!(attempt.attribute(key).is_some(), "{key}: {attempt:?}");
    }
    assert_eq!(attempt.attribute("http.request.resend_count"), None);
    attempt.clone()
}

/// The `traceparent` that names this span.
fn traceparent(span: &Span) -> String {
    format!("00-{}-{}-01", span.trace_id(), span.span_id())
}

/// The status code, and the error type with the status that belongs to it.
#[track_caller]
fn assert_ended(span: &Span, status: Option<i64>, error_type: Option<&'static str>) {
    let code = span.attribute("http.response.status_code");
    assert_eq!(code, status.map(Value::I64).as_ref(), "{span:?}");
    let error = error_type.map(Value::from);
    assert_eq!(span.attribute("error.type"), error.as_ref(), "{span:?}");
    let marked = error_type.map_or(Status::Unset, |_| Status::error(""));
    assert_eq!(span.status(), &marked, "{span:?}");
    assert!(span.events().is_empty(), "{span:?}");
}
