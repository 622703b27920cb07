//! The random flag of a caller's `traceparent` (0x02).

use axum::Router;
use axum::routing::get as on_get;
use http::HeaderMap;
use opentelemetry::trace::{SpanContext, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, TraceFlags};
use otel_core::propagation::CompositePropagator;
use otel_testkit::Recorder;
use otel_tower::trust::Trust;
use otel_tower::{ServerLayer, TraceHeader};
use tracing::Instrument as _;

use crate::client::request;
use crate::harness::{Mode, Server, in_every_mode};

const IDS: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

/// Answers with the flags of the active span, and with what a client inside a span of `tracing` would send.
async fn flags(propagator: CompositePropagator) -> String {
    let handler = Context::map_current(|cx| cx.span().span_context().trace_flags());
    let inside = async {
        let mut sent = HeaderMap::new();
        otel_core::propagation::inject(&propagator, &Context::current(), &mut sent);
        let last = |name: &str| sent[name].to_str().unwrap().rsplit_once('-').unwrap().1;
        let (traceparent, b3) = (last("traceparent"), last("b3"));
        format!("<handler {handler:02x} sent {traceparent} b3 {b3}>")
    };
    inside.instrument(tracing::info_span!("child")).await
}

fn app(layer: ServerLayer) -> Router {
    let propagator: CompositePropagator = "tracecontext,b3,baggage".parse().unwrap();
    let layer = layer
        .propagator(propagator.clone())
        .response_header(TraceHeader::TraceResponse)
        .response_header(TraceHeader::Traceparent);
    let answer = move || flags(propagator.clone());
    Router::new().route("/", on_get(answer)).layer(layer)
}

/// What a server has of the flags that it was sent.
#[derive(Debug, PartialEq)]
struct Seen {
    handler: String,
    sent: String,
    b3: String,
    response: [String; 2],
}

impl Seen {
    fn request(server: &Server, flags: &str) -> Self {
        let header = format!("traceparent: 00-{IDS}-{flags}");
        let answer = request(server.address, "GET /", &[&header]);
        let word = |name: &str| {
            let (_, rest) = answer
                .split_once(name)
                .unwrap_or_else(|| panic!("{answer}"));
            rest[..rest.find([' ', '>']).unwrap()].to_owned()
        };
        let last = |name: &str| {
            let line = answer.lines().find(|line| line.starts_with(name));
            line.unwrap().rsplit_once('-').unwrap().1.to_owned()
        };
        Self {
            handler: word("<handler "),
            sent: word(" sent "),
            b3: word(" b3 "),
            response: [last("traceresponse: "), last("traceparent: ")],
        }
    }

    fn new(handler: &str, sent: &str) -> Self {
        let is_sampled = sent == "01" || sent == "03";
        Self {
            handler: handler.to_owned(),
            sent: sent.to_owned(),
            b3: u8::from(is_sampled).to_string(),
            response: [sent.to_owned(), sent.to_owned()],
        }
    }
}

in_every_mode! { TRACED:
    fn a_random_trace_is_random_on_spans_in_handlers_and_in_headers(mode: Mode) {
        for (came, expected) in [("00", "01"), ("01", "01"), ("02", "03"), ("03", "03"), ("ff", "03")] {
            let server = Server::start(mode, app);
            assert_eq!(Seen::request(&server, came), Seen::new(expected, expected), "{came}");
            let trace = server.trace(1);
            for span in trace.spans() {
                assert_eq!(format!("{:02x}", span.trace_flags()), expected, "{came}: {span:?}");
            }
        }
    }

    fn a_link_to_a_random_trace_is_random(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let answer = || async { "hello" };
            Router::new().route("/", on_get(answer)).layer(layer.trust(Trust::Link))
        });
        request(server.address, "GET /", &[&format!("traceparent: 00-{IDS}-03")]);
        let span = server.span();
        let flags: Vec<_> = span.links().iter().map(|link| link.span_context.trace_flags()).collect();
        assert_eq!(flags, [TraceFlags::new(0x03)]);
        assert_eq!(span.trace_flags(), TraceFlags::SAMPLED, "the new trace is not the caller's");
    }
}

#[test]
fn a_span_that_is_dropped_sends_the_random_flag_on() {
    for (came, expected) in [("00", "00"), ("01", "00"), ("02", "02"), ("03", "02")] {
        let server = Server::start(Mode::Unsampled, app);
        // The SDK gives a dropped span no flags.
        assert_eq!(
            Seen::request(&server, came),
            Seen::new("00", expected),
            "{came}"
        );
    }
}

#[test]
fn without_a_provider_the_flags_are_those_of_the_caller() {
    for flags in ["00", "01", "02", "03"] {
        let server = Server::start(Mode::WithoutSdk, |layer| {
            let answer = || async {
                Context::map_current(|cx| {
                    format!("<{:02x}>", cx.span().span_context().trace_flags())
                })
            };
            Router::new().route("/", on_get(answer)).layer(layer)
        });
        let header = format!("traceparent: 00-{IDS}-{flags}");
        let answer = request(server.address, "GET /", &[&header]);
        assert!(answer.contains(&format!("<{flags}>")), "{answer}");
    }
}

#[test]
fn a_resampled_random_trace_stays_random() {
    let recorder = Recorder::new();
    let tracer = recorder.tracer_provider().tracer("handler");
    let server = Server::start_with(Mode::Tracing, recorder, move |layer| {
        let answer = move || {
            let context: SpanContext =
                tracer.in_span("work", |cx| cx.span().span_context().clone());
            async move { format!("<{:02x}>", context.trace_flags()) }
        };
        Router::new()
            .route("/", on_get(answer))
            .layer(layer.trust(Trust::Resample))
    });
    let header = format!("traceparent: 00-{IDS}-02");
    let answer = request(server.address, "GET /", &[&header]);
    assert!(answer.contains("<03>"), "{answer}");
    for span in server.trace(2).spans() {
        assert_eq!(span.trace_flags(), TraceFlags::new(0x03), "{span:?}");
    }
}
