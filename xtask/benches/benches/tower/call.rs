//! One request, and what answers it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context as Task, Poll};

use axum::body::Bytes;
use futures_util::FutureExt as _;
use futures_util::stream::{self, Iter};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tower::{Layer, Service};

pub(crate) type Body = Empty<Bytes>;

#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Inside a trace that is sampled, or by a caller that samples.
    Sampled,
    /// The opposite.
    Unsampled,
}

/// Where a request is sent.
#[derive(Clone, Copy)]
pub(crate) enum Sent {
    /// Inside the context of the request that its sender answers.
    Inside(Kind),
    /// By no one that is measured.
    Alone,
}

pub(crate) fn http_request() -> Request<Body> {
    Request::get("http://pricing.internal.example:8080/quote/espresso?lang=en&verbose=1")
        .header("accept", "application/json")
        .body(Body::new())
        .expect("the parts are valid")
}

pub(crate) fn grpc_request(caller: Option<Kind>) -> Request<Body> {
    let mut request = Request::post("http://pricing.internal.example:8080/shop.Pricing/Quote")
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", "bench/1.0 (otel-benches)")
        .body(Body::new())
        .expect("the parts are valid");
    if let Some(kind) = caller {
        let flags = match kind {
            Kind::Sampled => "01",
            Kind::Unsampled => "00",
        };
        let traceparent = format!("00-{TRACE_ID:032x}-{SPAN_ID:016x}-{flags}");
        let traceparent = traceparent.parse().expect("it is a value");
        request.headers_mut().insert("traceparent", traceparent);
    }
    request
}

/// What the innermost service answers.
pub(crate) trait Answering: Copy + 'static {
    type Frames: Iterator<Item = Result<Frame<Bytes>, Infallible>> + Unpin;
    fn answer(self) -> Response<StreamBody<Iter<Self::Frames>>>;
}

/// 250, in one frame.
#[derive(Clone, Copy)]
pub(crate) struct Http;

impl Answering for Http {
    type Frames = std::array::IntoIter<Result<Frame<Bytes>, Infallible>, 1>;

    fn answer(self) -> Response<StreamBody<Iter<Self::Frames>>> {
        let frames = [Ok(Frame::data(Bytes::from_static(b"250")))];
        Response::new(StreamBody::new(stream::iter(frames)))
    }
}

/// A message, and trailers with the status `OK`.
#[derive(Clone, Copy)]
pub(crate) struct Grpc;

impl Answering for Grpc {
    type Frames = std::array::IntoIter<Result<Frame<Bytes>, Infallible>, 2>;

    fn answer(self) -> Response<StreamBody<Iter<Self::Frames>>> {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
        let frames = [
            Ok(Frame::data(Bytes::from_static(b"\0\0\0\0\x03250"))),
            Ok(Frame::trailers(trailers)),
        ];
        let mut response = Response::new(StreamBody::new(stream::iter(frames)));
        let kind = http::HeaderValue::from_static("application/grpc");
        response.headers_mut().insert(CONTENT_TYPE, kind);
        response
    }
}

/// Takes the place of the network, or of a handler.
#[derive(Clone, Copy)]
pub(crate) struct Answers<A>(A);

impl<A: Answering> Service<Request<Body>> for Answers<A> {
    type Response = Response<StreamBody<Iter<A::Frames>>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Task<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        ready(Ok(self.0.answer()))
    }
}

pub(crate) fn service<A: Answering>(
    answering: A,
    sent: Sent,
) -> Box<dyn Fn(Request<Body>) -> usize> {
    boxed(Answers(answering), sent)
}

pub(crate) fn layered<A, L, S, B>(
    layer: L,
    answering: A,
    sent: Sent,
) -> Box<dyn Fn(Request<Body>) -> usize>
where
    A: Answering,
    L: Layer<Answers<A>, Service = S>,
    S: Service<Request<Body>, Response = Response<B>> + Clone + 'static,
    B: http_body::Body,
{
    boxed(layer.layer(Answers(answering)), sent)
}

/// Sends a request and reads the body to its end. Nothing waits, so no runtime is measured.
fn boxed<S, B>(service: S, sent: Sent) -> Box<dyn Fn(Request<Body>) -> usize>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + 'static,
    B: http_body::Body,
{
    Box::new(move |request| {
        let _sender = match sent {
            Sent::Inside(kind) => Some(context(kind).attach()),
            Sent::Alone => None,
        };
        let mut service = service.clone();
        let work = async {
            let response = service.call(request).await.ok()?;
            let mut body = std::pin::pin!(response.into_body());
            let mut frames = 0;
            while let Some(frame) = body.frame().await {
                frames += usize::from(frame.is_ok());
            }
            Some(frames)
        };
        work.now_or_never().flatten().unwrap_or_default()
    })
}

fn context(kind: Kind) -> Context {
    let flags = match kind {
        Kind::Sampled => TraceFlags::SAMPLED,
        Kind::Unsampled => TraceFlags::NOT_SAMPLED,
    };
    let (trace, span) = (TraceId::from(TRACE_ID), SpanId::from(SPAN_ID));
    let parent = SpanContext::new(trace, span, flags, false, TraceState::NONE);
    Context::new().with_remote_span_context(parent)
}

const TRACE_ID: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const SPAN_ID: u64 = 0xb7ad_6b71_6920_3331;
