//! Whose child the request is, and who become its children.

use std::future::{pending, ready};
use std::io;
use std::sync::mpsc;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::middleware::{Next, from_fn};
use axum::routing::get as on_get;
use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::Sampler;
use otel_testkit::Recorder;

use crate::client::{Connection, get, request};
use crate::harness::{Mode, Server, in_every_mode};
use crate::meters::LIMIT;

const TRACEPARENT: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// Answers with the trace id, the span id and the baggage that are active in the handler.
async fn who() -> String {
    let context = Context::current();
    let span = context.span().span_context().clone();
    let user = context.baggage().get("user").map(ToString::to_string);
    format!("<{} {} {user:?}>", span.trace_id(), span.span_id())
}

fn app(layer: otel_tower::ServerLayer) -> Router {
    Router::new().route("/who", on_get(who)).layer(layer)
}

in_every_mode! { TRACED:
    fn the_request_is_the_child_of_its_caller(mode: Mode) {
        let server = Server::start(mode, app);
        let headers = [TRACEPARENT, "tracestate: vendor=1", "baggage: user=ada"];
        let answer = request(server.address, "GET /who", &headers);
        let span = server.span();
        assert_eq!(span.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(span.parent_span_id().unwrap().to_string(), "00f067aa0ba902b7");
        assert_eq!(span.trace_state(), "vendor=1");
        let expected = format!("<{} {} Some(\"ada\")>", span.trace_id(), span.span_id());
        assert!(answer.contains(&expected), "{answer} instead of {expected}");
    }

    fn a_request_without_context_starts_a_trace(mode: Mode) {
        let server = Server::start(mode, app);
        get(server.address, "/who");
        assert_eq!(server.span().parent_span_id(), None);
    }

    fn a_header_that_is_no_context_starts_a_trace(mode: Mode) {
        let server = Server::start_expecting_loss(mode, app);
        request(server.address, "GET /who", &["traceparent: 00-what-ever-01", "tracestate: a=1"]);
        let span = server.span();
        assert_eq!(span.parent_span_id(), None);
        assert_eq!(span.trace_state(), "");
    }

    fn a_caller_that_does_not_sample_is_followed_and_handed_on(mode: Mode) {
        let parent_based = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
        let recorder = Recorder::builder().sampler(parent_based).build();
        let server = Server::start_with(mode, recorder, app);
        let answer = request(server.address, "GET /who", &[UNSAMPLED]);
        assert!(answer.contains("<4bf92f3577b34da6a3ce929d0e0e4736 "), "{answer}");
        assert_eq!(server.recorder.spans().len(), 0);
    }

    fn a_span_of_the_api_in_the_handler_is_a_child(mode: Mode) {
        let recorder = Recorder::new();
        let tracer = recorder.tracer_provider().tracer("handler");
        let server = Server::start_with(mode, recorder, |layer| {
            let work = move || async move { tracer.in_span("work", |_| "done") };
            Router::new().route("/work", on_get(work)).layer(layer)
        });
        get(server.address, "/work");
        server.trace(2).assert_child_of("work", "GET /work");
    }

    fn what_the_handler_sets_on_the_active_span_is_on_the_request(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let set = || async {
                Context::current().span().set_attribute(KeyValue::new("user.id", 7));
            };
            Router::new().route("/set", on_get(set)).layer(layer)
        });
        get(server.address, "/set");
        assert_eq!(server.span().attribute("user.id"), Some(&Value::I64(7)));
    }

    fn the_context_is_active_while_the_body_is_polled_and_dropped(mode: Mode) {
        let (sender, dropped) = mpsc::channel();
        let server = Server::start(mode, |layer| {
            let stream = move || {
                let at_drop = AtDrop(sender.clone());
                let mut polls = 0;
                let frames = futures_util::stream::poll_fn(move |_| {
                    let _ = &at_drop;
                    polls += 1;
                    let frame = format!("polled {} ", active());
                    Poll::Ready((polls == 1).then_some(Ok::<_, io::Error>(frame)))
                });
                ready(Body::from_stream(frames))
            };
            Router::new().route("/stream", on_get(stream)).layer(layer)
        });
        let answer = get(server.address, "/stream");
        let span = server.span().span_id().to_string();
        assert!(answer.contains(&format!("polled {span} ")), "{answer}");
        assert_eq!(dropped.recv_timeout(LIMIT).unwrap(), span);
    }

    fn the_context_is_active_while_a_cancelled_handler_is_dropped(mode: Mode) {
        let (sender, dropped) = mpsc::channel();
        let (entered, handling) = mpsc::channel();
        let server = Server::start(mode, |layer| {
            let hang = move || {
                let at_drop = AtDrop(sender.clone());
                entered.send(()).unwrap();
                async move {
                    pending::<()>().await;
                    drop(at_drop);
                }
            };
            Router::new().route("/hang", on_get(hang)).layer(layer)
        });
        let connection = Connection::send(server.address, "GET /hang", &[]);
        handling.recv_timeout(LIMIT).unwrap();
        drop(connection);
        let span = server.span().span_id().to_string();
        assert_eq!(dropped.recv_timeout(LIMIT).unwrap(), span);
    }
}

/// Says at its drop which span is active.
struct AtDrop(mpsc::Sender<String>);

impl Drop for AtDrop {
    fn drop(&mut self) {
        // The test may be over when a server is stopped.
        let _ = self.0.send(active());
    }
}

fn active() -> String {
    Context::map_current(|it| it.span().span_context().span_id().to_string())
}

/// Modes in which `tracing` knows the request: its spans hang under it by `tracing`'s own means.
#[test]
fn a_tracing_span_in_the_handler_is_a_child() {
    for mode in [
        Mode::Tracing,
        Mode::TracingOpenTelemetry,
        Mode::WithoutActivation,
        Mode::WithoutTracingSpan,
    ] {
        let server = Server::start(mode, |layer| {
            let work = || async {
                tracing::info_span!("work").in_scope(|| ());
            };
            Router::new().route("/work", on_get(work)).layer(layer)
        });
        get(server.address, "/work");
        server.trace(2).assert_child_of("work", "GET /work");
    }
}

#[test]
fn a_tracing_span_in_a_streamed_body_is_a_child() {
    for mode in [
        Mode::Tracing,
        Mode::TracingOpenTelemetry,
        Mode::WithoutActivation,
        Mode::WithoutTracingSpan,
    ] {
        let server = Server::start(mode, |layer| {
            let stream = || async {
                let frames = futures_util::stream::once(async {
                    tracing::info_span!("work").in_scope(|| Ok::<_, io::Error>("frame"))
                });
                Body::from_stream(frames)
            };
            Router::new().route("/stream", on_get(stream)).layer(layer)
        });
        get(server.address, "/stream");
        server.trace(2).assert_child_of("work", "GET /stream");
    }
}

#[test]
fn a_task_spawned_in_the_current_span_is_a_child_where_tracing_knows_the_request() {
    use tracing::Instrument as _;

    for mode in [Mode::Tracing, Mode::WithoutActivation] {
        let server = Server::start(mode, |layer| {
            let spawn = || async {
                let work = async { tracing::info_span!("work").in_scope(|| ()) };
                tokio::spawn(work.in_current_span()).await.unwrap();
            };
            Router::new().route("/spawn", on_get(spawn)).layer(layer)
        });
        get(server.address, "/spawn");
        server.trace(2).assert_child_of("work", "GET /spawn");
    }
}

/// Answers inside a `tracing` span that the application opens around the layer.
fn inside_a_span(layer: otel_tower::ServerLayer) -> Router {
    use tracing::Instrument as _;

    let edge = |request: axum::extract::Request, next: Next| {
        next.run(request).instrument(tracing::info_span!("edge"))
    };
    app(layer).layer(from_fn(edge))
}

/// Whether the layer activates contexts or not.
#[test]
fn a_request_inside_a_tracing_span_of_the_application_is_its_child() {
    for mode in [
        Mode::Tracing,
        Mode::TracingOpenTelemetry,
        Mode::WithoutActivation,
    ] {
        let _name_on_panic = crate::harness::NameOnPanic(mode);
        let server = Server::start(mode, inside_a_span);
        get(server.address, "/who");
        server.trace(2).assert_child_of("GET /who", "edge");
    }
}

#[test]
fn a_caller_wins_over_a_tracing_span_of_the_application() {
    for mode in [
        Mode::Tracing,
        Mode::TracingOpenTelemetry,
        Mode::WithoutActivation,
    ] {
        let _name_on_panic = crate::harness::NameOnPanic(mode);
        let server = Server::start(mode, inside_a_span);
        let answer = request(server.address, "GET /who", &[TRACEPARENT]);
        assert!(
            answer.contains("<4bf92f3577b34da6a3ce929d0e0e4736 "),
            "{answer}"
        );
    }
}

in_every_mode! { MEASURED:
    fn the_handler_can_ask_for_the_trace_id_at_any_depth(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let ask = || async {
                let hidden = tracing::info_span!("hidden").in_scope(otel_core::trace_id);
                let deep = otel_core::task::in_context(async { otel_core::trace_id() });
                format!("<{:?} {hidden:?} {:?}>", otel_core::trace_id(), tokio::spawn(deep).await.unwrap())
            };
            Router::new().route("/", on_get(ask)).layer(layer)
        });
        let answer = request(server.address, "GET /", &[TRACEPARENT]);
        let id = "Some(4bf92f3577b34da6a3ce929d0e0e4736)";
        assert!(answer.contains(&format!("<{id} {id} {id}>")), "{answer}");
    }
}
