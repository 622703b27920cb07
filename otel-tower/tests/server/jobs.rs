//! Work that a handler hands over: it belongs to the request, and keeps none of the request's spans open.

use std::sync::{Arc, Mutex, mpsc};

use axum::Router;
use axum::routing::get as on_get;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{Tracer as _, TracerProvider as _};
use opentelemetry::{Context, Value};
use opentelemetry_sdk::trace::SdkTracer;
use otel_core::task::{Carried, in_context};
use otel_testkit::Recorder;
use otel_tower::{RequestSpan, ServerLayer};
use tokio::sync::Notify;
use tracing::{Instrument as _, info_span};

use crate::client::{get, request};
use crate::harness::{Mode, Server, in_every_mode};
use crate::meters::LIMIT;

/// Returns the spans of a handler: `handler`, if a layer makes spans of `tracing` spans.
fn handler_spans(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Tracing
        | Mode::TracingOpenTelemetry
        | Mode::WithoutActivation
        | Mode::WithoutTracingSpan => &["handler"],
        _ => &[],
    }
}

fn has_ended(recorder: &Recorder, name: &str) -> bool {
    recorder.spans().iter().any(|span| span.name() == name)
}

/// A worker that was started before any request. It starts a job when it is notified.
struct Worker {
    jobs: tokio::sync::mpsc::UnboundedSender<Carried>,
    starts: Arc<Notify>,
    baggage: Arc<Mutex<Option<String>>>,
}

impl Worker {
    fn spawn(tracer: SdkTracer) -> Self {
        let (jobs, mut queue) = tokio::sync::mpsc::unbounded_channel::<Carried>();
        let starts = Arc::new(Notify::new());
        let baggage: Arc<Mutex<Option<String>>> = Arc::default();
        let (start, seen) = (Arc::clone(&starts), Arc::clone(&baggage));
        tokio::spawn(async move {
            while let Some(carried) = queue.recv().await {
                start.notified().await;
                let (tracer, seen) = (tracer.clone(), Arc::clone(&seen));
                let ship = async move {
                    let baggage = Context::current().baggage().get("user").cloned();
                    *seen.lock().unwrap() = baggage.map(|user| user.to_string());
                    tracer.in_span("pack", |_| ());
                };
                carried.in_span(|| info_span!("ship"), ship).await;
            }
        });
        Self {
            jobs,
            starts,
            baggage,
        }
    }
}

fn app(layer: ServerLayer, worker: &Worker, keeps_open: bool) -> Router {
    let jobs = worker.jobs.clone();
    let order = move || {
        let jobs = jobs.clone();
        async move {
            let carried = Carried::current();
            let carried = if keeps_open {
                carried.keep_span_open()
            } else {
                carried
            };
            jobs.send(carried).unwrap();
            "ordered"
        }
        .instrument(info_span!("handler"))
    };
    Router::new().route("/order", on_get(order)).layer(layer)
}

/// Starts a server with a worker, and returns both.
fn serve(mode: Mode, keeps_open: bool) -> (Server, Worker) {
    let recorder = Recorder::new();
    let tracer = recorder.tracer_provider().tracer("worker");
    let (give, take) = mpsc::channel();
    let server = Server::start_with(mode, recorder, move |layer| {
        let worker = Worker::spawn(tracer);
        let app = app(layer, &worker, keeps_open);
        give.send(worker).unwrap();
        app
    });
    (server, take.recv_timeout(LIMIT).unwrap())
}

in_every_mode! { TRACED:
    fn a_job_that_waits_in_a_channel_does_not_keep_the_handler_s_span_open(mode: Mode) {
        let (server, worker) = serve(mode, false);
        request(server.address, "GET /order", &["baggage: user=ada"]);
        let handler = handler_spans(mode);
        let ended = |it: &Recorder| {
            has_ended(it, "GET /order") && handler.iter().all(|name| has_ended(it, name))
        };
        server.recorder.wait_for(ended, LIMIT).unwrap();
        worker.starts.notify_one();
        // One trace: the job's spans are children of the span that was active, although it has ended.
        server.recorder.wait_for(|it| has_ended(it, "pack"), LIMIT).unwrap();
        let spans = 2 + 2 * handler.len();
        let trace = server.trace(spans);
        assert_eq!(trace.spans().len(), spans, "{trace}");
        if handler.is_empty() {
            trace.assert_child_of("pack", "GET /order");
        } else {
            trace.assert_child_of("handler", "GET /order");
            // Without activation, the active context is that of the request.
            let is_active = mode != Mode::WithoutActivation;
            trace.assert_child_of("ship", if is_active { "handler" } else { "GET /order" });
            trace.assert_child_of("pack", if is_active { "ship" } else { "GET /order" });
        }
        assert_eq!(worker.baggage.lock().unwrap().as_deref(), Some("ada"));
    }
}

#[test]
fn a_job_that_keeps_the_span_open_is_inside_it() {
    for mode in [Mode::Tracing, Mode::TracingOpenTelemetry] {
        let (server, worker) = serve(mode, true);
        get(server.address, "/order");
        let ended = |it: &Recorder| has_ended(it, "GET /order");
        server.recorder.wait_for(ended, LIMIT).unwrap();
        assert!(!has_ended(&server.recorder, "handler"), "{mode:?}");
        worker.starts.notify_one();
        let trace = server.trace(4);
        trace.assert_child_of("ship", "handler");
        let [handler, ship] = ["handler", "ship"].map(|name| trace.span(name).unwrap().clone());
        assert!(handler.end() >= ship.end(), "{trace}");
    }
}

in_every_mode! { TRACED:
    fn a_task_of_a_handler_sets_attributes_of_its_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let handler = || async {
                let job = async {
                    RequestSpan::current().set_attribute("rows", 3);
                    RequestSpan::current().set_error("job_failed");
                };
                tokio::spawn(in_context(job)).await.unwrap();
            };
            Router::new().route("/rows", on_get(handler)).layer(layer)
        });
        get(server.address, "/rows");
        let span = server.span();
        assert_eq!(span.attribute("rows"), Some(&Value::I64(3)));
        assert_eq!(span.attribute("error.type"), Some(&Value::from("job_failed")));
    }
}
