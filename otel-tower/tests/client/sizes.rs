//! The sizes of bodies: none is invented.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get as on_get;
use futures_util::stream;
use http::Request;
use http_body_util::{BodyExt as _, Full, StreamBody};
use opentelemetry::Value;
use otel_testkit::Recorder;
use otel_tower::EndAt;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::harness::{client, get, in_work, layer, only_call, serve_app};
use crate::meters::Meters;

type Sizes = [Option<i64>; 2];

/// Runs one call with a layer that records sizes, and returns them. The metrics have the same.
#[track_caller]
fn sizes_of(end_at: EndAt, work: impl AsyncFnOnce(otel_tower::ClientLayer)) -> Sizes {
    let (recorder, meters) = (Recorder::new(), Meters::new());
    let layer = layer(&recorder).meter_provider(&meters.provider);
    in_work(&recorder, work(layer.body_sizes().end_at(end_at)));
    let call = only_call(&recorder);
    ["request", "response"].map(|side| {
        let points = meters.points(&format!("http.client.{side}.body.size"));
        let size = points.first().map(|point| point.sum as i64);
        let attribute = call.attribute(&format!("http.{side}.body.size"));
        assert_eq!(attribute.cloned(), size.map(Value::I64), "{side}");
        size
    })
}

/// Bodies of five bytes, the second without a length.
fn app() -> Router {
    let chunked =
        || async { Body::from_stream(stream::iter(["he", "llo"].map(Ok::<_, Infallible>))) };
    Router::new()
        .route("/", on_get(|| async { "hello" }))
        .route("/chunked", on_get(chunked))
}

#[test]
fn a_response_that_nobody_reads_has_its_content_length_or_no_size() {
    for (path, expected) in [("/", Some(5)), ("/chunked", None)] {
        for end_at in [EndAt::Headers, EndAt::Body] {
            let sizes = sizes_of(end_at, async |layer| {
                let request = get(serve_app(app()).await, path);
                drop(layer.layer(client()).oneshot(request).await.unwrap());
            });
            assert_eq!(sizes, [Some(0), expected], "{path} {end_at:?}");
        }
    }
}

#[test]
fn a_response_that_is_read_has_the_bytes_that_were_read() {
    for path in ["/", "/chunked"] {
        let sizes = sizes_of(EndAt::Body, async |layer| {
            let request = get(serve_app(app()).await, path);
            let response = layer.layer(client()).oneshot(request).await.unwrap();
            assert_eq!(
                response.into_body().collect().await.unwrap().to_bytes(),
                "hello"
            );
        });
        assert_eq!(sizes, [Some(0), Some(5)], "{path}");
    }
}

#[test]
fn the_answer_to_a_head_request_does_not_have_the_size_in_its_head() {
    // A body that knows nothing of its length, as a cache may have.
    let cache = service_fn(|_: Request<Full<Bytes>>| async {
        let frames = stream::empty::<Result<http_body::Frame<Bytes>, Infallible>>();
        let response = http::Response::builder().header("content-length", "5");
        Ok::<_, Infallible>(response.body(StreamBody::new(frames)).unwrap())
    });
    for (method, expected) in [("HEAD", None), ("GET", Some(5))] {
        let sizes = sizes_of(EndAt::Headers, async |layer| {
            let request = Request::builder()
                .method(method)
                .uri("http://shop.example/");
            let request = request.body(Full::default()).unwrap();
            layer.layer(cache).oneshot(request).await.unwrap();
        });
        assert_eq!(sizes, [Some(0), expected], "{method}");
    }
}

#[test]
fn a_stream_that_is_sent_has_its_content_length_or_no_size() {
    let taking = service_fn(|request: Request<Body>| async {
        request.into_body().collect().await.unwrap();
        Ok::<_, Infallible>(http::Response::new(Full::<Bytes>::default()))
    });
    for (length, expected) in [(None, None), (Some(4), Some(4))] {
        let sizes = sizes_of(EndAt::Headers, async |layer| {
            let body = Body::from_stream(stream::iter([Ok::<_, Infallible>("four")]));
            let mut request = Request::post("http://shop.example/").body(body).unwrap();
            if let Some(length) = length {
                request
                    .headers_mut()
                    .insert("content-length", length.into());
            }
            layer.layer(taking).oneshot(request).await.unwrap();
        });
        assert_eq!(sizes, [expected, Some(0)]);
    }
}
