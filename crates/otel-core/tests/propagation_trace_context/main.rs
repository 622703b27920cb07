//! W3C Trace Context level 2, rule by rule, in HTTP headers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
        TracerProvider as _, noop::NoopTracerProvider,
    },
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use otel_core::propagation::{TraceContextPropagator, Traceparent, Tracestate, extract, inject};

mod carrier;
mod traceparent;
mod tracestate;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

fn headers<'a>(lines: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn extracted(lines: &[(&str, &str)]) -> Context {
    let lines = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
    extract(
        &TraceContextPropagator::new(),
        &Context::new(),
        &headers(lines),
    )
}

fn sent(cx: &Context) -> HeaderMap {
    let mut headers = HeaderMap::new();
    inject(&TraceContextPropagator::new(), cx, &mut headers);
    headers
}

/// Returns the headers that a service without an SDK sends after it has received these lines.
fn passed_on(lines: &[(&str, &str)]) -> (Option<String>, Option<String>) {
    let tracer = NoopTracerProvider::new().tracer("test");
    let parent = extracted(lines);
    let span = tracer.start_with_context("request", &parent);
    let headers = sent(&parent.with_span(span));
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    (text("traceparent"), text("tracestate"))
}
