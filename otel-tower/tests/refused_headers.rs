//! Headers that are refused, over real sockets. One test: losses are counted per process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::context_loss::{self, LossKind};
use otel_core::propagation::CompositePropagator;
use otel_tower::ServerLayer;
use otel_tower::trust::{Trust, TrustPolicy};
use tokio::net::TcpListener;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, dispatcher};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt as _};

const IDS: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The lines of the detection, each with all its fields.
#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Reports {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        if event.metadata().target() == "otel_core::context_loss" {
            let mut line = Line(event.metadata().level().to_string());
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

impl Reports {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

/// Serves on this thread, and returns when all requests have been answered with a 200.
fn serve(policy: impl Into<TrustPolicy>, requests: &[Vec<(&str, &str)>]) {
    let provider = SdkTracerProvider::builder().build();
    let propagator: CompositePropagator = "tracecontext,b3,baggage".parse().unwrap();
    let layer = ServerLayer::new()
        .tracer_provider(&provider)
        .propagator(propagator)
        .trust(policy);
    let app = Router::new().route("/", get(|| async {})).layer(layer);
    let requests: Vec<String> = requests.iter().map(|lines| head(lines)).collect();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let send_all = move || requests.iter().for_each(|request| send(address, request));
        tokio::select! {
            served = axum::serve(listener, app).into_future() => panic!("{served:?}"),
            sent = tokio::task::spawn_blocking(send_all) => sent.unwrap(),
        }
    });
}

fn head(lines: &[(&str, &str)]) -> String {
    let mut head = "GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n".to_owned();
    for (name, value) in lines {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

fn send(address: SocketAddr, request: &str) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
}

fn counts() -> Vec<(&'static str, u64)> {
    let counts = context_loss::counts();
    let counts = counts.filter(|(_, count)| *count > 0);
    counts.map(|(kind, count)| (kind.as_str(), count)).collect()
}

#[test]
fn a_refused_header_is_reported_once_with_its_reason_and_never_with_its_value() {
    let reports = Reports::default();
    let dispatch = tracing_subscriber::registry().with(reports.clone()).into();
    let _subscriber = dispatcher::set_default(&dispatch);
    let traceparents = [
        ("00-0000", "value ends too early"),
        (
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "version is ff",
        ),
        (
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "version has no hex digit",
        ),
        (
            "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "trace-id has an uppercase digit",
        ),
        (
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "trace-id is all zeros",
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "parent-id is all zeros",
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
            "trace-id is not followed by a dash",
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "flags is followed by more",
        ),
        (
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01,00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "value has a comma",
        ),
    ];
    let no_parent = format!("{IDS}-evil");
    let too_much = format!("{IDS}-05e3ac9a4f6e3b90-evil");
    // lines, and the kinds and reasons that they are reported for
    type Row<'a> = (Vec<(&'a str, &'a str)>, Vec<(LossKind, String)>);
    let mut table: Vec<Row<'_>> = Vec::new();
    for (value, reason) in traceparents {
        let lines = vec![("traceparent", value)];
        table.push((
            lines,
            vec![(
                LossKind::RefusedTraceparent,
                format!("traceparent: {reason}"),
            )],
        ));
    }
    let repeated = || {
        (
            LossKind::RefusedTraceparent,
            "traceparent: header is repeated".to_owned(),
        )
    };
    table.push((
        vec![("traceparent", VALID), ("traceparent", VALID)],
        vec![repeated()],
    ));
    // The B3 header continues the trace, but the `tracestate` is lost, and the trace breaks when B3 is switched off.
    let both = vec![("traceparent", VALID), ("traceparent", "evil"), ("b3", IDS)];
    table.push((both, vec![repeated()]));
    let b3 = |reason: &str| vec![(LossKind::RefusedB3, reason.to_owned())];
    table.push((vec![("b3", &no_parent)], b3("b3: state is unknown")));
    table.push((vec![("b3", &too_much)], b3("b3: value is too long")));
    table.push((vec![("b3", "")], b3("b3: value is empty")));
    table.push((
        vec![("x-b3-traceid", "4bf92f3577b34da6"), ("x-b3-sampled", "1")],
        b3("x-b3-spanid: span id is missing"),
    ));
    table.push((
        vec![("x-b3-sampled", "evil")],
        b3("x-b3-sampled: state is unknown"),
    ));
    let deny = || {
        vec![(
            LossKind::B3DenyWithoutIds,
            "B3: the decision 0 has no ids".to_owned(),
        )]
    };
    table.push((vec![("b3", "0")], deny()));
    table.push((vec![("x-b3-sampled", "0")], deny()));
    for (state, reason) in [
        ("evil", "member has no '='"),
        ("Evil=1", "key has a forbidden character"),
    ] {
        let lines = vec![("traceparent", VALID), ("tracestate", state)];
        let reason = format!("tracestate: {reason}");
        table.push((lines, vec![(LossKind::RefusedTracestate, reason)]));
    }
    // Nothing is lost: valid headers, no headers, and a B3 header that is not needed.
    let valid = format!("{IDS}-0");
    for lines in [
        vec![],
        vec![("traceparent", VALID), ("tracestate", "a=1")],
        vec![("traceparent", VALID), ("b3", "evil")],
        vec![("tracestate", "evil")],
        vec![("b3", &valid)],
        vec![("b3", "1")],
        vec![("b3", IDS)],
    ] {
        table.push((lines, Vec::new()));
    }
    let requests: Vec<_> = table.iter().map(|(lines, _)| lines.clone()).collect();

    // While detection is off, nothing is counted.
    serve(Trust::Continue, &requests);
    context_loss::start();
    // What an untrusted client sends is not adopted, so nothing is lost.
    for trust in [Trust::Link, Trust::Ignore] {
        serve(trust, &requests);
        serve(TrustPolicy::from(trust).baggage(true), &requests);
    }
    assert_eq!(counts(), []);
    assert_eq!(reports.take(), Vec::<String>::new());

    let rounds: [TrustPolicy; 3] = [
        TrustPolicy::default(),
        Trust::Resample.into(),
        TrustPolicy::default().baggage(false),
    ];
    for policy in rounds.clone() {
        serve(policy, &requests);
    }
    let mut expected: Vec<_> = table.into_iter().flat_map(|(_, losses)| losses).collect();
    let total = expected.len();
    expected.sort();
    expected.dedup();

    let losses = context_loss::losses();
    let mut seen: Vec<_> = losses
        .iter()
        .map(|loss| (loss.kind(), loss.reason().unwrap().to_owned()))
        .collect();
    seen.sort();
    assert_eq!(seen, expected);
    let rounds = rounds.len() as u64;
    assert_eq!(context_loss::total(), total as u64 * rounds);
    assert_eq!(
        counts(),
        [
            ("refused_traceparent", 11 * rounds),
            ("refused_tracestate", 2 * rounds),
            ("refused_b3", 5 * rounds),
            ("b3_deny_without_ids", 2 * rounds),
        ]
    );
    assert_eq!(context_loss::counts().count(), 8);

    let lines = reports.take();
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (kind, reason) in &expected {
        let kind = kind.as_str();
        let fields = format!(
            "WARN message={} kind={kind:?} reason={reason:?} guide=\"docs/context-loss.md#{kind}\"",
            lines
                .iter()
                .find(|line| line.contains(reason.as_str()))
                .and_then(|line| line.split("message=").nth(1)?.split(" kind=").next())
                .unwrap_or_default()
        );
        let count = lines
            .iter()
            .filter(|line| line.starts_with(&fields))
            .count();
        assert_eq!(count, 1, "{fields} in {lines:#?}");
    }
    let deny = lines.iter().find(|line| line.contains("b3_deny")).unwrap();
    assert!(deny.contains("any call behind it"), "{deny}");
    for text in lines
        .iter()
        .chain(&losses.iter().map(ToString::to_string).collect::<Vec<_>>())
    {
        assert!(!text.to_lowercase().contains("evil"), "{text}");
        assert!(!text.contains("4bf92f35"), "{text}");
    }
}
