//! What one would write by hand: one span through the SDK with the same attributes, its context injected.

use http::{Extensions, Method};
use opentelemetry::global::BoxedTracer;
use opentelemetry::trace::{FutureExt as _, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::HeaderInjector;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

pub(crate) struct Floor(BoxedTracer);

impl Floor {
    pub(crate) fn new() -> Self {
        Self(global::tracer("floor"))
    }
}

#[async_trait::async_trait]
impl Middleware for Floor {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        let parent = Context::current();
        let builder = self
            .0
            .span_builder(request.method().to_string())
            .with_kind(SpanKind::Client)
            .with_attributes(attributes(&request));
        let span = self.0.build_with_context(builder, &parent);
        let context = parent.with_span(span);
        global::get_text_map_propagator(|propagator| {
            propagator.inject_context(&context, &mut HeaderInjector(request.headers_mut()));
        });
        let result = next
            .run(request, extensions)
            .with_context(context.clone())
            .await;
        let span = context.span();
        match &result {
            Ok(response) => {
                let status = response.status();
                span.set_attribute(KeyValue::new(
                    "http.response.status_code",
                    i64::from(status.as_u16()),
                ));
                span.set_attribute(KeyValue::new("network.protocol.version", "1.1"));
                if status.is_client_error() || status.is_server_error() {
                    span.set_status(Status::error(""));
                }
            }
            Err(_) => span.set_status(Status::error("")),
        }
        span.end();
        result
    }
}

fn attributes(request: &Request) -> Vec<KeyValue> {
    let url = request.url();
    let mut attributes = Vec::with_capacity(6);
    let method = match *request.method() {
        Method::GET => "GET",
        Method::PUT => "PUT",
        Method::POST => "POST",
        _ => "_OTHER",
    };
    attributes.push(KeyValue::new("http.request.method", method));
    attributes.push(KeyValue::new("url.full", url.as_str().to_owned()));
    if let Some(host) = url.host_str() {
        attributes.push(KeyValue::new("server.address", host.to_owned()));
    }
    if let Some(port) = url.port_or_known_default() {
        attributes.push(KeyValue::new("server.port", i64::from(port)));
    }
    attributes
}
