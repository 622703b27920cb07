//! Makes requests and sends them through a chain of middlewares.

use std::cell::Cell;

use futures_util::FutureExt as _;
use http::{Extensions, Method};
use opentelemetry::KeyValue;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use reqwest::{Request, Response, ResponseBuilderExt as _, StatusCode, Url};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next, Result};

/// The context inside which a request is sent.
#[derive(Clone, Copy)]
pub(crate) enum Context {
    Sampled,
    Unsampled,
    /// Sampled, with three members of baggage.
    WithBaggage,
}

/// The parts of a request that differ between cases.
#[derive(Clone)]
pub(crate) struct Sent {
    method: Method,
    url: &'static str,
}

pub(crate) const GET: Sent =
    get("http://pricing.internal.example:8080/quote/espresso?lang=en&verbose=1");

pub(crate) const PUT: Sent = with(
    Method::PUT,
    "http://pricing.internal.example:8080/quote/espresso?lang=en&verbose=1",
);

pub(crate) const ANOTHER_HOST: Sent =
    get("http://billing.internal.example:8080/quote/espresso?lang=en&verbose=1");

pub(crate) const ANOTHER_PATH: Sent =
    get("http://pricing.internal.example:8080/offer/espresso?lang=en&verbose=1");

pub(crate) const FAILING: Sent =
    get("http://pricing.internal.example:8080/fail/espresso?lang=en&verbose=1");

/// Ten requests to five hosts, with three methods.
pub(crate) const MANY: [Sent; 10] = [
    with(Method::GET, "http://pricing.internal.example:8080/quote/1"),
    with(Method::PUT, "http://billing.internal.example:8080/bills/1"),
    with(Method::POST, "http://stock.internal.example:8080/items/1"),
    with(Method::GET, "http://users.internal.example:8080/users/1"),
    with(Method::PUT, "http://mail.internal.example:8080/mails/1"),
    with(Method::POST, "http://pricing.internal.example:8080/quote/2"),
    with(Method::GET, "http://billing.internal.example:8080/bills/2"),
    with(Method::PUT, "http://stock.internal.example:8080/items/2"),
    with(Method::POST, "http://users.internal.example:8080/users/2"),
    with(Method::GET, "http://mail.internal.example:8080/mails/2"),
];

const fn get(url: &'static str) -> Sent {
    with(Method::GET, url)
}

const fn with(method: Method, url: &'static str) -> Sent {
    Sent { method, url }
}

impl Sent {
    fn request(&self) -> Request {
        let url = Url::parse(self.url).expect("it is a URL");
        let mut request = Request::new(self.method.clone(), url);
        let headers = request.headers_mut();
        headers.insert("accept", http::HeaderValue::from_static("application/json"));
        request
    }
}

/// Makes these requests in turn.
pub(crate) fn in_turn(sent: &[Sent]) -> impl Fn() -> Option<Request> + use<> {
    let sent = sent.to_vec();
    let next = Cell::new(0);
    move || {
        let at = next.replace((next.get() + 1) % sent.len());
        Some(sent[at].request())
    }
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
    pub(crate) fn send(&self, request: Request, context: Context) -> Option<StatusCode> {
        let (_ours, _peers) = (attach(context), attach_0_32(context));
        let mut extensions = Extensions::new();
        let sent = self.0.execute_with_extensions(request, &mut extensions);
        let response = sent.now_or_never()?.ok()?;
        Some(response.status())
    }
}

/// Takes the place of the network.
struct Answer;

#[async_trait::async_trait]
impl Middleware for Answer {
    async fn handle(&self, request: Request, _: &mut Extensions, _: Next<'_>) -> Result<Response> {
        let is_failing = request.url().path().starts_with("/fail");
        let response = http::Response::builder()
            .status(if is_failing { 500 } else { 200 })
            .url(request.url().clone())
            .body("250")
            .expect("the parts are valid");
        Ok(response.into())
    }
}

fn attach(context: Context) -> opentelemetry::ContextGuard {
    use opentelemetry::Context as OtelContext;

    let flags = match context {
        Context::Sampled | Context::WithBaggage => TraceFlags::SAMPLED,
        Context::Unsampled => TraceFlags::NOT_SAMPLED,
    };
    let parent = SpanContext::new(
        TraceId::from(TRACE_ID),
        SpanId::from(SPAN_ID),
        flags,
        false,
        TraceState::NONE,
    );
    let parent = OtelContext::new().with_remote_span_context(parent);
    match context {
        Context::WithBaggage => parent.with_baggage([
            KeyValue::new("tenant", "acme"),
            KeyValue::new("user", "4711"),
            KeyValue::new("plan", "gold"),
        ]),
        Context::Sampled | Context::Unsampled => parent,
    }
    .attach()
}

/// Attaches the same span context for the peer's version of OpenTelemetry, without baggage.
fn attach_0_32(context: Context) -> opentelemetry_0_32::ContextGuard {
    use opentelemetry_0_32::Context as OtelContext;
    use opentelemetry_0_32::trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    };

    let flags = match context {
        Context::Sampled | Context::WithBaggage => TraceFlags::SAMPLED,
        Context::Unsampled => TraceFlags::NOT_SAMPLED,
    };
    let parent = SpanContext::new(
        TraceId::from(TRACE_ID),
        SpanId::from(SPAN_ID),
        flags,
        false,
        TraceState::NONE,
    );
    OtelContext::new().with_remote_span_context(parent).attach()
}

const TRACE_ID: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const SPAN_ID: u64 = 0xb7ad_6b71_6920_3331;
