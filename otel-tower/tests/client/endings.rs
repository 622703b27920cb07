//! How a call ends, and what it is called then.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get as on_get;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use otel_testkit::Recorder;
use otel_tower::EndAt;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::harness::{assert_ended, client, get, in_work, layer, only_call, serve, serve_app};

#[test]
fn a_status_code_says_whether_it_is_an_error() {
    for (status, error) in [
        (204, None),
        (302, None),
        (404, Some("404")),
        (503, Some("503")),
        (600, Some("_OTHER")),
    ] {
        let recorder = Recorder::new();
        in_work(&recorder, async {
            let (address, _) = serve().await;
            let request = get(address, &format!("/status/{status}"));
            layer(&recorder)
                .layer(client())
                .oneshot(request)
                .await
                .unwrap();
        });
        assert_ended(&only_call(&recorder), Some(status), error);
    }
}

#[test]
fn each_failure_on_the_way_has_its_own_name() {
    let recorder = Recorder::new();
    in_work(&recorder, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let hangs_up = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await;
        });
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let refuses = closed.local_addr().unwrap();
        drop(closed);
        let client = layer(&recorder).layer(client());
        for request in [get(refuses, "/"), get(hangs_up, "/")] {
            client.clone().oneshot(request).await.unwrap_err();
        }
        let nowhere = Request::get("http://nowhere.invalid/");
        let nowhere = nowhere.body(Full::default()).unwrap();
        client.oneshot(nowhere).await.unwrap_err();
    });
    let trace = recorder.trace();
    let calls = crate::harness::calls(&trace);
    for (call, error) in calls.iter().zip(["connect", "request", "dns"]) {
        assert_ended(call, None, Some(error));
    }
}

/// A client that fails in this way.
async fn fail<E: 'static>(recorder: &Recorder, error: impl Fn() -> E) -> E {
    let failing = service_fn(|_: Request<Full<Bytes>>| {
        let error = error();
        async { Err::<Response<Full<Bytes>>, E>(error) }
    });
    let request = Request::get("http://shop/").body(Full::default()).unwrap();
    let result = layer(recorder).layer(failing).oneshot(request).await;
    result.err().unwrap()
}

#[test]
fn an_error_keeps_its_type_and_is_named_by_what_is_known_of_it() {
    type Boxed = Box<dyn Error + Send + Sync>;
    #[derive(Debug, PartialEq)]
    struct Own<T>(T);

    let recorder = Recorder::new();
    in_work(&recorder, async {
        let timed_out = || io::Error::from(io::ErrorKind::TimedOut);
        assert_eq!(
            fail(&recorder, timed_out).await.kind(),
            io::ErrorKind::TimedOut
        );
        let boxed = fail(&recorder, || Boxed::from(timed_out())).await;
        assert!(boxed.is::<io::Error>());
        fail(&recorder, || Boxed::from("hunter2")).await;
        fail(&recorder, || io::Error::from(io::ErrorKind::BrokenPipe)).await;
        assert_eq!(fail(&recorder, || Own("hunter2")).await, Own("hunter2"));
        // tower's own time limit, further in.
        let slow = service_fn(|_: Request<Full<Bytes>>| {
            std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
        });
        let slow = tower::timeout::Timeout::new(slow, Duration::from_millis(1));
        let request = Request::get("http://shop/").body(Full::default()).unwrap();
        let error = layer(&recorder).layer(slow).oneshot(request).await;
        assert!(error.unwrap_err().is::<tower::timeout::error::Elapsed>());
    });
    let trace = recorder.trace();
    let calls = crate::harness::calls(&trace);
    let own = "client::endings::an_error_keeps_its_type_and_is_named_by_what_is_known_of_it::Own";
    let expected = ["timeout", "timeout", "_OTHER", "request", own, "timeout"];
    for (call, error) in calls.iter().zip(expected) {
        assert_ended(call, None, Some(error));
        assert!(!format!("{call:?}").contains("hunter2"), "{call:?}");
    }
    assert_eq!(calls.len(), expected.len());
}

#[test]
fn a_call_that_its_caller_drops_is_no_error() {
    let recorder = Recorder::new();
    in_work(&recorder, async {
        let pending = service_fn(|_: Request<Full<Bytes>>| {
            std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
        });
        let request = Request::get("http://shop/").body(Full::default()).unwrap();
        drop(layer(&recorder).layer(pending).oneshot(request));
        let request = Request::get("http://shop/").body(Full::default()).unwrap();
        let mut sending = std::pin::pin!(layer(&recorder).layer(pending).oneshot(request));
        assert!(futures_util::poll!(sending.as_mut()).is_pending());
    });
    // What was never polled was never sent.
    assert_ended(&only_call(&recorder), None, None);
}

#[test]
fn a_client_that_panics_ends_its_span_with_an_error_and_goes_on_unwinding() {
    let recorder = Recorder::new();
    let panics = |at_once: bool| {
        service_fn(move |_: Request<Full<Bytes>>| {
            if at_once {
                resume_unwind(Box::new(()));
            }
            async {
                resume_unwind(Box::new(()));
                #[expect(unreachable_code, reason = "it says what is returned")]
                Ok::<Response<Full<Bytes>>, Infallible>(Response::default())
            }
        })
    };
    for at_once in [true, false] {
        let request = Request::get("http://shop/").body(Full::default()).unwrap();
        let sending = layer(&recorder).layer(panics(at_once)).oneshot(request);
        let sending = AssertUnwindSafe(sending).catch_unwind();
        assert!(in_work(&recorder, sending).is_err());
    }
    let spans = recorder.spans();
    let calls: Vec<_> = spans.iter().filter(|it| it.name() == "GET").collect();
    assert_eq!(calls.len(), 2, "{spans:?}");
    for call in calls {
        assert_ended(call, None, Some("panic"));
    }
}

fn streaming(breaks: Arc<Notify>) -> Router {
    let endless = || async {
        let first = stream::iter([Ok::<_, Infallible>("one")]);
        Body::from_stream(first.chain(stream::pending()))
    };
    let breaks = || async {
        let first = stream::iter([Ok("one")]);
        let error = stream::once(async move {
            breaks.notified().await;
            Err(io::Error::other("hunter2"))
        });
        Body::from_stream(first.chain(error))
    };
    Router::new()
        .route("/endless", on_get(endless))
        .route("/breaks", on_get(breaks))
        .route("/whole", on_get(|| async { "hello" }))
}

#[test]
fn by_default_a_call_ends_with_the_response_head() {
    let recorder = Recorder::new();
    let read = in_work(&recorder, async {
        let address = serve_app(streaming(Arc::default())).await;
        let client = layer(&recorder).layer(client());
        let response = client.oneshot(get(address, "/endless")).await.unwrap();
        let read = SystemTime::now();
        drop(response);
        read
    });
    let call = only_call(&recorder);
    assert!(call.end() <= read, "{call:?}");
    assert_ended(&call, Some(200), None);
}

#[test]
fn by_option_a_call_ends_with_the_body_whatever_becomes_of_it() {
    let recorder = Recorder::new();
    in_work(&recorder, async {
        let breaks = Arc::new(Notify::new());
        let address = serve_app(streaming(Arc::clone(&breaks))).await;
        let client = layer(&recorder)
            .end_at(EndAt::Body)
            .body_sizes()
            .layer(client());
        let send = async |path| {
            let response = client.clone().oneshot(get(address, path)).await;
            response.unwrap().into_body()
        };
        assert_eq!(
            send("/whole").await.collect().await.unwrap().to_bytes(),
            "hello"
        );
        let mut body = send("/endless").await;
        assert!(body.frame().await.unwrap().is_ok());
        drop(body);
        let mut body = send("/breaks").await;
        assert!(body.frame().await.unwrap().is_ok());
        breaks.notify_one();
        assert!(body.frame().await.unwrap().is_err());
    });
    let calls = crate::harness::calls(&recorder.trace());
    assert_ended(&calls[0], Some(200), None);
    assert_eq!(
        calls[0].attribute("http.response.body.size"),
        Some(&5.into())
    );
    assert_ended(&calls[1], Some(200), None);
    assert_ended(&calls[2], Some(200), Some("body"));
}
