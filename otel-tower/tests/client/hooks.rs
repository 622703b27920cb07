//! When and where a client's hooks run, and what they change.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use opentelemetry::trace::{Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, Value};
use otel_testkit::Recorder;
use otel_tower::{ClientLayer, End, EndAt};
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::harness::{block_on, client, get, in_work, layer, only_call, serve};

type Names = Arc<Mutex<Vec<(&'static str, String)>>>;

fn see(names: &Names, place: &'static str) {
    let id = Context::current().span().span_context().span_id();
    names.lock().unwrap().push((place, id.to_string()));
}

#[test]
fn all_hooks_run_inside_the_context_of_the_call() {
    let recorder = Recorder::new();
    let names = Names::default();
    let [request, response, end] = [(); 3].map(|()| Arc::clone(&names));
    let layer = layer(&recorder)
        .end_at(EndAt::Body)
        .on_request(move |_, _| see(&request, "on_request"))
        .on_response(move |_, _, _| see(&response, "on_response"))
        .on_end(move |_, _, _| see(&end, "on_end"));
    in_work(&recorder, async {
        let (address, _) = serve().await;
        let response = layer.layer(client()).oneshot(get(address, "/")).await;
        response.unwrap().into_body().collect().await.unwrap();
    });
    let id = only_call(&recorder).span_id().to_string();
    let expected = ["on_request", "on_response", "on_end"].map(|place| (place, id.clone()));
    assert_eq!(*names.lock().unwrap(), expected);
}

#[test]
fn an_end_hook_runs_once_for_every_ending_of_a_call() {
    let ends = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&ends);
    // Neither a tracer provider nor a meter provider is set.
    let layer = ClientLayer::new()
        .end_at(EndAt::Body)
        .on_end(move |request, outcome, _| {
            let path = request.uri().path().to_owned();
            let status = outcome.status().map(|it| it.as_u16());
            let error = outcome.error_type().map(str::to_owned);
            sink.lock()
                .unwrap()
                .push((path, outcome.end(), status, error));
        });
    block_on(async {
        let (address, _) = serve().await;
        let client = layer.clone().layer(client());
        for path in ["/complete", "/status/503"] {
            let response = client.clone().oneshot(get(address, path)).await.unwrap();
            response.into_body().collect().await.unwrap();
        }
        drop(client.clone().oneshot(get(address, "/unread")).await);
        let unsent = client.oneshot(get(address, "/unpolled"));
        assert!(futures_util::FutureExt::now_or_never(unsent).is_none());
        let fails = service_fn(|_: Request<Full<Bytes>>| async {
            Err::<http::Response<Full<Bytes>>, _>(std::io::Error::other("gone"))
        });
        let failed = layer.layer(fails).oneshot(get(address, "/failed")).await;
        assert!(failed.is_err());
    });
    let error = |it: &str| Some(it.to_owned());
    let expected = [
        ("/complete", End::Complete, Some(200), None),
        ("/status/503", End::Complete, Some(503), error("503")),
        ("/unread", End::Cancelled, Some(200), None),
        ("/unpolled", End::Cancelled, None, None),
        ("/failed", End::Failed("request"), None, error("request")),
    ]
    .map(|(path, end, status, error)| (path.to_owned(), end, status, error));
    assert_eq!(*ends.lock().unwrap(), expected);
}

#[test]
fn hooks_never_change_the_parent_of_a_call_without_a_span() {
    let recorder = Recorder::new();
    let tracer = recorder.tracer_provider().tracer("test");
    let parent = Context::new().with_span(tracer.start("handler"));
    // No provider is set, so the call has no span of its own.
    let layer = ClientLayer::new()
        .on_request(|_, span| {
            assert!(!span.is_recording());
            span.set_name("x");
            span.set_attribute("x", 1);
        })
        .on_response(|_, _, span| span.set_error("x"))
        .on_end(|_, _, span| span.set_name("x"));
    block_on(async {
        let (address, _) = serve().await;
        let call = layer.layer(client()).oneshot(get(address, "/"));
        opentelemetry::trace::FutureExt::with_context(call, parent.clone())
            .await
            .unwrap();
    });
    parent.span().end();
    let span = recorder.trace().spans()[0].clone();
    assert_eq!((span.name(), span.status()), ("handler", &Status::Unset));
    assert_eq!(span.attribute("x"), None);
}

#[test]
fn hooks_replace_the_attributes_of_the_response() {
    let recorder = Recorder::new();
    let layer = layer(&recorder)
        .on_request(|_, span| span.set_attribute("network.protocol.version", "3"))
        .on_response(|_, _, span| span.set_attribute("http.response.status_code", 299))
        .on_end(|_, outcome, span| {
            assert_eq!(outcome.error_type(), Some("404"));
            span.set_attribute("error.type", "not_there");
        });
    in_work(&recorder, async {
        let (address, _) = serve().await;
        let request = get(address, "/status/404");
        layer.layer(client()).oneshot(request).await.unwrap();
    });
    let span = only_call(&recorder);
    for (key, value) in [
        ("network.protocol.version", Value::from("3")),
        ("http.response.status_code", Value::I64(299)),
        ("error.type", Value::from("not_there")),
    ] {
        let attributes = span.attributes().iter();
        let values = attributes.filter(|it| it.key.as_str() == key);
        let values: Vec<_> = values.map(|it| &it.value).collect();
        assert_eq!(values, [&value], "{key}");
    }
}

#[test]
fn a_slow_end_hook_makes_no_call_longer() {
    const SLOW: Duration = Duration::from_millis(150);
    let recorder = Recorder::new();
    let seen = Arc::new(Mutex::new(None));
    let sink = Arc::clone(&seen);
    let layer = layer(&recorder).on_end(move |_, outcome, _| {
        *sink.lock().unwrap() = Some(outcome.duration());
        let started = Instant::now();
        while started.elapsed() < SLOW {
            std::hint::spin_loop();
        }
    });
    in_work(&recorder, async {
        let (address, _) = serve().await;
        let call = layer.layer(client()).oneshot(get(address, "/"));
        call.await.unwrap();
    });
    let (span, outcome) = (
        only_call(&recorder).duration(),
        seen.lock().unwrap().unwrap(),
    );
    assert!(span.abs_diff(outcome) < SLOW / 2, "{span:?} {outcome:?}");
}

#[test]
fn a_call_that_a_hook_clears_still_fails_if_its_body_breaks() {
    let recorder = Recorder::new();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let layer = layer(&recorder)
        .end_at(EndAt::Body)
        .on_response(|_, _, span| span.clear_error())
        .on_end(move |_, outcome, _| {
            let error = outcome.error_type().map(str::to_owned);
            sink.lock().unwrap().push((outcome.end(), error));
        });
    let broken = service_fn(|_: Request<Full<Bytes>>| async {
        let frames = [Err::<Bytes, _>(std::io::Error::other("gone"))];
        let body = axum::body::Body::from_stream(futures_util::stream::iter(frames));
        let mut response = http::Response::new(body);
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        Ok::<_, std::convert::Infallible>(response)
    });
    in_work(&recorder, async {
        let request = Request::get("http://a.example/").body(Full::default());
        let call = layer.layer(broken).oneshot(request.unwrap());
        assert!(call.await.unwrap().into_body().collect().await.is_err());
    });
    let span = only_call(&recorder);
    assert!(span.attribute("error.type").is_some(), "{span:?}");
    let error = span.attribute("error.type").map(ToString::to_string);
    let Some((End::Failed(failure), seen)) = seen.lock().unwrap().pop() else {
        panic!("{span:?}");
    };
    assert_eq!(
        (error.as_deref(), seen.as_deref()),
        (Some(failure), Some(failure))
    );
}

#[test]
fn a_call_after_the_shutdown_of_its_provider_sends_the_context_of_its_caller() {
    let recorder = Recorder::new();
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::builder().build();
    provider.shutdown().unwrap();
    let layer = ClientLayer::new()
        .tracer_provider(&provider)
        .propagator(crate::harness::propagator());
    let seen = in_work(&recorder, async {
        let (address, seen) = serve().await;
        let call = layer.layer(client()).oneshot(get(address, "/"));
        call.await.unwrap();
        seen
    });
    let work = recorder.trace().spans()[0].clone();
    let expected = crate::harness::traceparent(&work);
    assert_eq!(seen.header("traceparent"), [Some(expected)]);
}
