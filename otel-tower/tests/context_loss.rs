//! A context that stays on its thread is seen, while its request runs and after it. One test: what is counted is the
//! process's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Ready;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use axum::routing::get;
use opentelemetry::trace::{
    FutureExt as _, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, ContextGuard};
use otel_core::context_loss::{self, LossKind};
use otel_core::propagation::CompositePropagator;
use otel_testkit::{Recorder, assert_no_context_loss};
use otel_tower::predicate::path;
use otel_tower::{ClientLayer, ServerLayer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tower::{Layer as _, ServiceExt as _, service_fn};

thread_local! {
    /// What a guard across an `.await` comes to: the thread keeps it while the task waits.
    static HELD: RefCell<Option<ContextGuard>> = const { RefCell::new(None) };
}

/// What a handler waits for, and who waits for the handler.
#[derive(Clone, Default)]
struct Waiting {
    begun: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Waiting {
    async fn wait(self) -> &'static str {
        self.begun.notify_one();
        self.go_on.notified().await;
        "waited"
    }
}

fn app(layer: ServerLayer, waiting: Waiting) -> Router {
    let holding = waiting.clone();
    let hold = move || {
        HELD.set(Some(Context::current().attach()));
        holding.wait()
    };
    let call = || async {
        let answer = service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let request = Request::get("http://pricing/").body(Body::empty()).unwrap();
        let sent = ClientLayer::new().layer(answer).oneshot(request);
        // Spawned without its context.
        tokio::spawn(sent).await.unwrap().unwrap();
        "called"
    };
    // By rights without a parent: a request that is skipped has no span.
    let health = || async {
        let answer = service_fn(|_: Request<Body>| async {
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let request = Request::get("http://database/")
            .body(Body::empty())
            .unwrap();
        ClientLayer::new()
            .layer(answer)
            .oneshot(request)
            .await
            .unwrap();
        "healthy"
    };
    let at_once = || -> Ready<Result<Response<Body>, Infallible>> { resume_unwind(Box::new(())) };
    let at_once = layer.layer(service_fn(move |_: Request<Body>| at_once()));
    Router::new()
        .route("/hold/{id}", get(hold))
        .route("/next/{id}", get(|| async { "next" }))
        .route("/after/{id}", get(|| async { "after" }))
        .route("/call", get(call))
        .route("/health", get(health))
        .route("/wait/{id}", get(move || waiting.wait()))
        .route("/empty", get(|| async { StatusCode::NO_CONTENT }))
        .route("/skipped", get(|| async { "skipped" }))
        .route(
            "/panic",
            get(async || -> () { resume_unwind(Box::new(())) }),
        )
        .layer(layer.skip(path("/skipped")).skip(path("/health")))
        .route_service("/panic-at-once", at_once)
}

/// Asks once and reads until the server closes.
async fn ask(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[test]
fn a_context_that_stays_on_its_thread_is_seen() {
    context_loss::start();
    let recorder = Recorder::builder().expect_context_loss().build();
    let _subscriber = tracing::subscriber::set_default(recorder.subscriber());
    let layers = [
        ServerLayer::new(),
        ServerLayer::new().without_tracing_span(),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for (round, layer) in (1..).zip(layers) {
        let layer = layer
            .tracer_provider(&recorder.tracer_provider())
            .propagator(CompositePropagator::default());
        let waiting = Waiting::default();
        let app = app(layer, waiting.clone());
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let service = app.clone();
            tokio::spawn(async move { axum::serve(listener, app).await });

            for path in [
                "/next/1",
                "/empty",
                "/skipped",
                "/panic",
                "/panic-at-once",
                "/none",
            ] {
                ask(address, path).await;
            }
            // A request that is skipped, while another one is served.
            let served = tokio::spawn(ask(address, "/wait/1"));
            waiting.begun.notified().await;
            assert!(ask(address, "/health").await.ends_with("healthy"));
            waiting.go_on.notify_one();
            assert!(served.await.unwrap().ends_with("waited"));
            // Two requests at once inside one span of the application's.
            let tracer = recorder.tracer_provider().tracer("test");
            let around = Context::new().with_span(tracer.start("the test"));
            async {
                let ask = |path| {
                    service
                        .clone()
                        .oneshot(Request::get(path).body(Body::empty()).unwrap())
                };
                let next = async {
                    waiting.begun.notified().await;
                    let next = ask("/next/1").await;
                    waiting.go_on.notify_one();
                    next
                };
                let (waited, next) = tokio::join!(ask("/wait/1"), next);
                assert!(waited.is_ok() && next.is_ok());
            }
            .with_context(around)
            .await;
            if round == 1 {
                assert_no_context_loss();
            }

            ask(address, "/call").await;
            let held = tokio::spawn(ask(address, "/hold/1"));
            waiting.begun.notified().await;
            ask(address, "/next/1").await;
            ask(address, "/skipped").await;
            waiting.go_on.notify_one();
            assert!(held.await.unwrap().ends_with("waited"));
            ask(address, "/after/1").await;
            // What stays on the thread is gone, and with it the loss.
            drop(HELD.take());
            ask(address, "/next/1").await;
        });
        let thread = thread::current().name().unwrap().to_owned();
        let losses = context_loss::losses();
        let mut seen: Vec<_> = losses
            .iter()
            .map(|loss| (loss.kind(), loss.span(), loss.count()))
            .collect();
        seen.sort_unstable();
        assert_eq!(
            seen,
            [
                (LossKind::CallWithoutParent, "GET", round),
                (LossKind::ContextAfterRequest, "GET /after/{id}", round),
                (LossKind::ContextAfterRequest, "GET /hold/{id}", round),
                (LossKind::RequestInsideRequest, "GET /next/{id}", round),
            ]
        );
        let here = |loss: &context_loss::Loss| {
            (loss.instrumentation(), loss.thread()) == ("otel_tower", &thread)
        };
        assert!(losses.iter().all(here), "{losses:?}");
    }
}
