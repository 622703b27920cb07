//! Response headers that name the trace.

use axum::Router;
use axum::http::header::{CACHE_CONTROL, EXPIRES};
use axum::http::{HeaderName, StatusCode};
use axum::response::AppendHeaders;
use axum::routing::get as on_get;
use otel_tower::TraceHeader;

use crate::client::{get, request};
use crate::harness::{Mode, Server, in_every_mode};

const TRACEPARENT: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

in_every_mode! { TRACED:
    fn callers_are_told_their_trace_on_errors_too_and_never_baggage(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer
                .response_header(TraceHeader::TraceResponse)
                .response_header(TraceHeader::ServerTiming)
                .response_header(TraceHeader::TraceId);
            let fail = || async { (StatusCode::BAD_GATEWAY, [("server-timing", "db;dur=5")]) };
            Router::new().route("/", on_get(fail)).layer(layer)
        });
        let answer = request(server.address, "GET /", &[TRACEPARENT, "baggage: user=zoe"]);
        let span = server.span();
        let value = format!("00-{TRACE_ID}-{}-01", span.span_id());
        for line in [
            format!("traceresponse: {value}\r\n"),
            format!("server-timing: trace;desc={value}\r\n"),
            "server-timing: db;dur=5\r\n".to_owned(),
            format!("x-trace-id: {TRACE_ID}\r\n"),
        ] {
            assert!(answer.contains(&line), "{line} in {answer}");
        }
        assert!(!answer.contains("zoe"), "{answer}");
    }

    fn a_response_can_have_the_traceparent_of_its_span(mode: Mode) {
        let server = Server::start(mode, |layer| {
            let layer = layer.response_header(TraceHeader::Traceparent);
            let proxied = || async { [("traceparent", "00-of-another-server")] };
            Router::new().route("/", on_get(proxied)).layer(layer)
        });
        let answer = request(server.address, "GET /", &[TRACEPARENT]);
        let line = format!("traceparent: 00-{TRACE_ID}-{}-01\r\n", server.span().span_id());
        assert!(answer.contains(&line), "{line} in {answer}");
        assert_eq!(answer.matches("traceparent").count(), 1, "{answer}");
    }
}

/// Returns the response to a request whose handler sends these headers. Each kind of header that names the trace is on.
fn response(headers: &[(HeaderName, &'static str)]) -> String {
    let headers = headers.to_vec();
    let server = Server::start(Mode::Tracing, move |layer| {
        let layer = layer
            .response_header(TraceHeader::TraceResponse)
            .response_header(TraceHeader::ServerTiming)
            .response_header(TraceHeader::Traceparent)
            .response_header(TraceHeader::TraceId);
        let handler = || async move { AppendHeaders(headers) };
        Router::new().route("/", on_get(handler)).layer(layer)
    });
    get(server.address, "/").to_ascii_lowercase()
}

#[test]
fn a_response_that_a_cache_may_keep_does_not_name_the_trace() {
    let kept: [&[(HeaderName, &str)]; 8] = [
        &[(CACHE_CONTROL, "public")],
        &[(CACHE_CONTROL, "s-maxage=60")],
        &[(CACHE_CONTROL, "max-age=60")],
        &[(CACHE_CONTROL, "Max-Age=\"60\", must-revalidate")],
        &[(CACHE_CONTROL, "no-cache"), (CACHE_CONTROL, "max-age=60")],
        &[
            (CACHE_CONTROL, "private"),
            (HeaderName::from_static("cdn-cache-control"), "max-age=60"),
        ],
        &[(HeaderName::from_static("x-accel-expires"), "60")],
        &[(EXPIRES, "Fri, 31 Dec 9999 23:59:59 GMT")],
    ];
    for headers in kept {
        let response = response(headers);
        for name in [
            "traceresponse",
            "traceparent",
            "server-timing",
            "x-trace-id",
        ] {
            assert!(!response.contains(name), "{headers:?}: {response}");
        }
    }
}

#[test]
fn a_response_that_no_cache_may_share_names_the_trace() {
    let own: [&[(HeaderName, &str)]; 7] = [
        &[],
        &[(CACHE_CONTROL, "no-store")],
        &[(CACHE_CONTROL, "max-age=0, must-revalidate")],
        &[(CACHE_CONTROL, "private, max-age=60")],
        &[(CACHE_CONTROL, "max-age=60"), (CACHE_CONTROL, "PRIVATE")],
        &[(CACHE_CONTROL, "ext=\"public, s-maxage=60\"")],
        &[(EXPIRES, "0")],
    ];
    for headers in own {
        let response = response(headers);
        for name in [
            "traceresponse: ",
            "traceparent: ",
            "server-timing: ",
            "x-trace-id: ",
        ] {
            assert!(response.contains(name), "{headers:?}: {response}");
        }
    }
}

#[test]
fn the_handlers_own_server_timing_stays_in_a_response_for_caches() {
    let timing = HeaderName::from_static("server-timing");
    let response = response(&[(CACHE_CONTROL, "max-age=60"), (timing, "db;dur=5")]);
    assert!(
        response.contains("server-timing: db;dur=5\r\n"),
        "{response}"
    );
    assert!(!response.contains("trace;desc"), "{response}");
}
