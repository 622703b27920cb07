//! What the services do when something is missing: the SDK, the collector, a port, a setting.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use otel_testkit::Process;

use common::{LIMIT, Shop, block_on, gateway, get, pricing, program, start};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03";
const TRACESTATE: &str = "vendor=a:b,other=1";

#[test]
fn without_an_sdk_the_callers_context_passes_both_services_unchanged() {
    let off = [("OTEL_SDK_DISABLED", "true")];
    let shop = Shop::open(&off);
    let status = block_on(async {
        let request = reqwest::Client::new().get(format!("{}/checkout/breakfast", shop.url));
        let request = request.header("traceparent", TRACEPARENT);
        request.send().await.unwrap().status()
    });
    assert_eq!(status, 200);
    let spans = shop.collector.spans();
    let [_, pricing] = shop.close();
    assert_eq!(spans.len(), 0);
    let of_requests = pricing.iter().filter(|line| line.target() == "pricing");
    assert_ne!(of_requests.clone().count(), 0, "{pricing:?}");
    for line in of_requests {
        assert_eq!(
            line.trace_id(),
            Some("4bf92f3577b34da6a3ce929d0e0e4736"),
            "{line}"
        );
        assert_eq!(line.span_id(), Some("00f067aa0ba902b7"), "{line}");
        assert_eq!(line.trace_flags(), Some("03"), "{line}");
    }
}

#[test]
fn without_an_sdk_the_header_leaves_the_gateway_as_it_came() {
    let (url, seen) = headers_of_one_request();
    let mut command = gateway();
    command
        .env("OTEL_SDK_DISABLED", "true")
        .env("PRICING_URL", url);
    let (_gateway, url) = start("gateway", &mut command);
    let status = block_on(async {
        let request = reqwest::Client::new().get(format!("{url}/checkout/breakfast"));
        let request = request
            .header("traceparent", TRACEPARENT)
            .header("tracestate", TRACESTATE);
        request.send().await.unwrap().status()
    });
    assert_eq!(status, 200);
    let seen = seen.join().unwrap();
    assert!(
        seen.contains(&format!("traceparent: {TRACEPARENT}")),
        "{seen:?}"
    );
    assert!(
        seen.contains(&format!("tracestate: {TRACESTATE}")),
        "{seen:?}"
    );
}

/// A pricing service that answers one request and hands out its header lines.
fn headers_of_one_request() -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let head = lines
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .collect();
        let body = r#"{"sku":"espresso","cents":250}"#;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        head
    });
    (url, seen)
}

#[test]
fn with_nothing_listening_at_the_endpoint_services_serve_say_so_once_and_end_in_time() {
    let (mut process, url) = start(
        "pricing",
        // Nothing listens on the discard port of a machine of today.
        pricing().env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
    );
    let said_so =
        |line: &otel_testkit::LogLine| line.target() == "otel_setup" && line.level() != "INFO";
    for _ in 0..3 {
        let before = process.logs().len();
        assert_eq!(get(&format!("{url}/quote/espresso")), 200);
        process
            .wait_for_logs(LIMIT, |lines| lines.len() >= before + 2)
            .unwrap();
    }
    process
        .wait_for_logs(LIMIT, |lines| lines.iter().any(said_so))
        .unwrap();
    assert_eq!(get(&format!("{url}/quote/espresso")), 200);

    let asked = Instant::now();
    assert!(process.terminate(LIMIT).unwrap().success());
    let took = asked.elapsed();
    assert!(
        took.as_secs() < 10,
        "the guard's limit is 5 s, the end took {took:?}"
    );
    // Once that it cannot, and once, at the end, how many were lost. Metrics, where there are any, say so for themselves.
    let lines = process.logs();
    let said = lines.iter().filter(|line| said_so(line));
    let (of_metrics, said): (Vec<_>, Vec<_>) =
        said.partition(|line| line.message().starts_with("metrics"));
    assert!(of_metrics.len() <= 1, "{lines:?}");
    let levels: Vec<_> = said.iter().map(|line| line.level()).collect();
    assert_eq!(levels, ["ERROR", "WARN"], "{lines:?}");
    assert!(said[1].message().contains("lost"), "{lines:?}");
}

#[test]
fn what_cannot_be_started_says_why_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let table: [(_, &[_], _); 6] = [
        (
            "a port in use",
            &[("LISTEN", taken.as_str())],
            vec!["cannot listen on", taken.as_str()],
        ),
        (
            "an endpoint without a scheme",
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")],
            vec!["OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318"],
        ),
        (
            "a header without a value",
            &[("OTEL_EXPORTER_OTLP_HEADERS", "api-key")],
            vec!["OTEL_EXPORTER_OTLP_HEADERS", "api-key=abc"],
        ),
        (
            "an unknown propagator in strict mode",
            &[
                ("OTEL_RUST_STRICT", "true"),
                ("OTEL_PROPAGATORS", "tracecontext,jaegr"),
            ],
            vec![
                "OTEL_PROPAGATORS",
                "jaegr",
                "tracecontext, baggage, b3, b3multi, none",
            ],
        ),
        (
            "an unknown sampler in strict mode",
            &[
                ("OTEL_RUST_STRICT", "true"),
                ("OTEL_TRACES_SAMPLER", "sometimes"),
            ],
            vec![
                "OTEL_TRACES_SAMPLER",
                "sometimes",
                "parentbased_traceidratio",
            ],
        ),
        (
            "an unknown protocol in strict mode",
            &[
                ("OTEL_RUST_STRICT", "true"),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/xml"),
            ],
            vec!["OTEL_EXPORTER_OTLP_PROTOCOL", "http/xml", "http/protobuf"],
        ),
    ];
    for (name, variables, expected) in table {
        let mut command = pricing();
        command.envs(variables.iter().copied());
        assert_fails_with(
            name,
            Process::start("pricing", &mut command).unwrap(),
            &expected,
        );
    }
    let mut nameless = program(env!("CARGO_BIN_EXE_quickstart"));
    let nameless = Process::start("quickstart", nameless.env("OTEL_RUST_STRICT", "true"));
    assert_fails_with(
        "no service name in strict mode",
        nameless.unwrap(),
        &["OTEL_SERVICE_NAME"],
    );
}

#[track_caller]
fn assert_fails_with(name: &str, mut process: Process, expected: &[&str]) {
    let status = process.wait_for_end(LIMIT).unwrap();
    let stderr = process.stderr();
    assert_eq!(status.code(), Some(1), "{name}: {stderr:?}");
    let [line] = &stderr[..] else {
        panic!("{name}: {stderr:?} is not one line");
    };
    for part in expected {
        assert!(
            line.contains(part),
            "{name}: {line:?} does not mention {part:?}"
        );
    }
}
