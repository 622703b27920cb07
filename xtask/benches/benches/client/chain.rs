//! One request, and its way through a chain of middlewares.

use futures_util::FutureExt as _;
use http::Extensions;
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use reqwest::{Request, Response, ResponseBuilderExt as _, StatusCode, Url};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};

/// Who sends.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Inside a trace that is sampled.
    Sampled,
    /// Inside one that is not.
    Unsampled,
}

pub(crate) struct Chain(ClientWithMiddleware);

impl Chain {
    pub(crate) fn bare() -> Self {
        Self::of(ClientBuilder::new(reqwest::Client::new()))
    }

    pub(crate) fn with(middleware: impl Middleware) -> Self {
        Self::of(ClientBuilder::new(reqwest::Client::new()).with(middleware))
    }

    fn of(builder: ClientBuilder) -> Self {
        Self(builder.with(Answer).build())
    }

    /// Sends the request as a handler does: inside the context of the request that it answers. Nothing waits, so no
    /// runtime is measured.
    pub(crate) fn send(&self, request: Request, kind: Kind) -> Option<StatusCode> {
        let (_ours, _peers) = (attach(kind), attach_0_32(kind));
        let mut extensions = Extensions::new();
        let sent = self.0.execute_with_extensions(request, &mut extensions);
        let response = sent.now_or_never()?.ok()?;
        Some(response.status())
    }
}

pub(crate) fn request() -> Request {
    let url = Url::parse(URL).expect("it is a URL");
    let mut request = Request::new(http::Method::GET, url);
    let headers = request.headers_mut();
    headers.insert("accept", http::HeaderValue::from_static("application/json"));
    request
}

const URL: &str = "http://pricing.internal.example:8080/quote/espresso?lang=en&verbose=1";

/// Takes the place of the network.
struct Answer;

#[async_trait::async_trait]
impl Middleware for Answer {
    async fn handle(&self, request: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        let response = http::Response::builder()
            .url(request.url().clone())
            .body("250")
            .expect("the parts are valid");
        Ok(response.into())
    }
}

fn attach(kind: Kind) -> opentelemetry::ContextGuard {
    let flags = match kind {
        Kind::Sampled => TraceFlags::SAMPLED,
        Kind::Unsampled => TraceFlags::NOT_SAMPLED,
    };
    let parent = SpanContext::new(
        TraceId::from(TRACE_ID),
        SpanId::from(SPAN_ID),
        flags,
        false,
        TraceState::NONE,
    );
    Context::new().with_remote_span_context(parent).attach()
}

/// The same for the peer's OpenTelemetry, which knows nothing of ours.
fn attach_0_32(kind: Kind) -> opentelemetry_0_32::ContextGuard {
    use opentelemetry_0_32::Context;
    use opentelemetry_0_32::trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    };

    let flags = match kind {
        Kind::Sampled => TraceFlags::SAMPLED,
        Kind::Unsampled => TraceFlags::NOT_SAMPLED,
    };
    let parent = SpanContext::new(
        TraceId::from(TRACE_ID),
        SpanId::from(SPAN_ID),
        flags,
        false,
        TraceState::NONE,
    );
    Context::new().with_remote_span_context(parent).attach()
}

const TRACE_ID: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const SPAN_ID: u64 = 0xb7ad_6b71_6920_3331;
