//! No setting of telemetry changes a byte of a response.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use otel_testkit::{Collector, Process};

use common::{LIMIT, program, start};

/// Each setting and its values. An empty value leaves the variable unset.
const SETTINGS: [(&str, &[&str]); 6] = [
    (
        "RUST_LOG",
        &["off", "", "orders=info,gateway=info", "trace"],
    ),
    ("OTEL_SDK_DISABLED", &["true", ""]),
    ("OTEL_TRACES_EXPORTER", &["none", ""]),
    ("OTEL_METRICS_EXPORTER", &["none", ""]),
    ("OTEL_RUST_CONTEXT_LOSS_DETECTION", &["false", "true"]),
    ("OTEL_TESTKIT_SPAN_LAYER", &["", "tracing-opentelemetry"]),
];

/// Combinations that run at once. Most of their time is the wait for streams.
const AT_ONCE: usize = 8;

/// The program, the request without its last headers, and the text after which the test stops reading, if the response is endless.
type Request = (&'static str, &'static str, &'static str);

const REQUESTS: [Request; 28] = [
    ("metrics", "GET /buy/free HTTP/1.1\r\n", ""),
    ("pricing", "GET /quote/espresso HTTP/1.1\r\n", ""),
    ("pricing", "GET /quote/nothing HTTP/1.1\r\n", ""),
    ("pricing", "GET /quote/espresso?fail=1 HTTP/1.1\r\n", ""),
    (
        "pricing",
        "GET /quote/espresso?fail=1&fail=2 HTTP/1.1\r\n",
        "",
    ),
    ("pricing", "HEAD /quote/espresso HTTP/1.1\r\n", ""),
    ("pricing", "DELETE /quote/espresso HTTP/1.1\r\n", ""),
    ("pricing", "GET /nowhere HTTP/1.1\r\n", ""),
    ("gateway", "GET /checkout/breakfast HTTP/1.1\r\n", ""),
    ("gateway", "GET /checkout/dinner HTTP/1.1\r\n", ""),
    ("gateway", "GET /checkout/ghost HTTP/1.1\r\n", ""),
    ("gateway", "GET /checkout/lunch?fail=1 HTTP/1.1\r\n", ""),
    (
        "gateway",
        "GET /checkout/breakfast?flaky=1 HTTP/1.1\r\n",
        "",
    ),
    ("gateway", "not a request\r\n", ""),
    ("orders", "GET /orders/7 HTTP/1.1\r\n", ""),
    ("orders", "GET /orders/0 HTTP/1.1\r\n", ""),
    ("orders", "GET /orders/many HTTP/1.1\r\n", ""),
    ("streaming", "GET /lines HTTP/1.1\r\n", ""),
    ("streaming", "GET /lines HTTP/1.0\r\n", ""),
    ("streaming", "GET /endless HTTP/1.1\r\n", "line 1\n\r\n"),
    ("streaming", "GET /events HTTP/1.1\r\n", "data: 1\n\n\r\n"),
    ("tasks", "GET /report HTTP/1.1\r\n", ""),
    ("public_edge", "GET / HTTP/1.1\r\n", ""),
    ("public_edge", "GET /internal/stock HTTP/1.1\r\n", ""),
    ("hyper_server", "GET /hello/ada HTTP/1.1\r\n", ""),
    (
        "hyper_server",
        "POST /echo HTTP/1.1\r\ncontent-length: 4\r\n\r\nfour",
        "",
    ),
    ("hyper_server", "GET /nowhere HTTP/1.1\r\n", ""),
    ("hyper_server", "GET /panic HTTP/1.1\r\n", ""),
];

/// What callers send in front of the end of the head.
const CALLERS: [&str; 3] = [
    "",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nbaggage: user=ada\r\n",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\ntraceparent: nonsense\r\n",
];

/// The variables of one combination.
type Combination = Vec<(&'static str, &'static str)>;

fn combinations() -> Vec<Combination> {
    let mut combinations = vec![Combination::new()];
    for (name, values) in SETTINGS {
        let with = |before: &Combination| {
            let before = before.clone();
            values
                .iter()
                .map(move |value| [before.as_slice(), &[(name, *value)]].concat())
        };
        combinations = combinations.iter().flat_map(with).collect();
    }
    combinations
}

/// The programs of a combination, each with its address.
fn start_all(
    combination: &Combination,
    endpoint: &str,
) -> BTreeMap<&'static str, (Process, String)> {
    let programs = [
        ("pricing", env!("CARGO_BIN_EXE_pricing")),
        ("gateway", env!("CARGO_BIN_EXE_gateway")),
        ("orders", env!("CARGO_BIN_EXE_orders")),
        ("streaming", env!("CARGO_BIN_EXE_streaming")),
        ("tasks", env!("CARGO_BIN_EXE_tasks")),
        ("public_edge", env!("CARGO_BIN_EXE_public_edge")),
        ("hyper_server", env!("CARGO_BIN_EXE_hyper_server")),
        // Its handler adds attributes to the metrics.
        ("metrics", env!("CARGO_BIN_EXE_metrics")),
    ];
    let mut running = BTreeMap::new();
    for (name, path) in programs {
        let mut command = program(path);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        for (variable, value) in combination {
            match *value {
                "" => command.env_remove(variable),
                value => command.env(variable, value),
            };
        }
        if let Some((_, pricing)) = running.get("pricing") {
            command.env("PRICING_URL", pricing);
        }
        running.insert(name, start(name, &mut command));
    }
    running
}

fn send(url: &str, request: &str, caller: &str) -> TcpStream {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let (line, rest) = request.split_once("\r\n").unwrap();
    let end = if rest.is_empty() { "\r\n" } else { "" };
    let head = format!("{line}\r\nhost: shop.example\r\nconnection: close\r\n{caller}{rest}{end}");
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// The bytes of a response, without the date and the header that names the trace.
fn read(mut stream: TcpStream, last: &str) -> String {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let text = loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((first, _)) = text.split_once(last).filter(|_| !last.is_empty()) {
            break format!("{first}{last}");
        }
        match stream.read(&mut buffer).unwrap() {
            0 => break text.into_owned(),
            count => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let is_kept = |line: &&str| !line.starts_with("date: ") && !line.starts_with("x-trace-id: ");
    let head: Vec<_> = head.split("\r\n").filter(is_kept).collect();
    format!("{}\r\n\r\n{body}", head.join("\r\n"))
}

/// All responses of a combination. The requests of streams are sent first, since they take a second.
fn responses(combination: &Combination, endpoint: &str) -> Vec<String> {
    let running = start_all(combination, endpoint);
    let send = |(name, request, _): Request, caller| send(&running[name].1, request, caller);
    let is_slow = |request: Request| request.0 == "streaming";
    let streams = REQUESTS.map(|it| is_slow(it).then(|| CALLERS.map(|caller| send(it, caller))));
    let mut responses = Vec::new();
    for (request, streams) in REQUESTS.into_iter().zip(streams) {
        let last = request.2;
        match streams {
            Some(streams) => responses.extend(streams.map(|stream| read(stream, last))),
            None => responses.extend(CALLERS.map(|caller| read(send(request, caller), last))),
        }
    }
    responses
}

#[test]
fn no_setting_of_telemetry_changes_a_byte_of_a_response() {
    let collector = Collector::start().unwrap();
    let endpoint = collector.http_endpoint();
    let combinations = combinations();
    let (first, others) = combinations.split_first().unwrap();
    let expected = responses(first, &endpoint);
    let starts = |status: &str| expected.iter().filter(|it| it.starts_with(status)).count();
    let statuses = ["200", "400", "404", "405", "409", "500", "502"];
    for status in statuses {
        assert!(
            starts(&format!("HTTP/1.1 {status} ")) > 0,
            "no {status} in {expected:#?}"
        );
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(combination) = others.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = responses(combination, &endpoint);
                    let sent = REQUESTS.iter().flat_map(|request| [request; CALLERS.len()]);
                    for ((sent, expected), found) in sent.zip(&expected).zip(&found) {
                        assert_eq!(
                            found, expected,
                            "{sent:?} with {combination:?} and with {first:?}"
                        );
                    }
                }
            });
        }
    });
    assert!(collector.span_count() > 0, "some combinations export");
}
