//! One trace from an axum front over tonic to a service behind that reqwest asks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use opentelemetry::trace::{SpanKind, Status};
use otel_testkit::{Collector, LogLine, Process, Span, Trace, assert_logs_correlated};

use common::{LIMIT, block_on, program, start};

struct Shop {
    collector: Collector,
    processes: [Process; 3],
    url: String,
}

impl Shop {
    fn open() -> Self {
        let collector = Collector::start().unwrap();
        let endpoint = collector.http_endpoint();
        let exporting = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
        let (pricing, pricing_url) = start("pricing", common::pricing().envs([exporting]));
        let (grpc, grpc_url) = start(
            "grpc_pricing",
            program(env!("CARGO_BIN_EXE_grpc_pricing"))
                .envs([exporting])
                .env("PRICING_URL", pricing_url),
        );
        let (gateway, url) = start(
            "grpc_gateway",
            program(env!("CARGO_BIN_EXE_grpc_gateway"))
                .envs([exporting])
                .env("GRPC_PRICING_URL", grpc_url),
        );
        Self {
            collector,
            processes: [gateway, grpc, pricing],
            url,
        }
    }

    fn ask(&self, path: &str) -> (u16, String) {
        block_on(async {
            let response = reqwest::get(format!("{}{path}", self.url)).await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        })
    }

    /// Waits for so many spans, which are one trace, and for the end of all services.
    fn close(mut self, spans: usize) -> Trace {
        let count = |traces: &[Trace]| traces.iter().map(|it| it.spans().len()).sum::<usize>();
        let traces = self
            .collector
            .wait_for(|traces| count(traces) >= spans, LIMIT);
        let traces = traces.unwrap();
        let mut logs = Vec::new();
        for process in &mut self.processes {
            assert!(process.terminate(LIMIT).unwrap().success());
            logs.extend(process.logs());
        }
        let is_ours = |line: &LogLine| line.target().starts_with("otel_");
        let (ours, own): (Vec<_>, Vec<_>) = logs.into_iter().partition(is_ours);
        assert_logs_correlated(&traces, &own);
        let losses = ours
            .iter()
            .filter(|line| line.target() == "otel_core::context_loss");
        assert_eq!(losses.count(), 0, "{ours:?}");
        assert_eq!(traces.len(), 1);
        traces[0].clone()
    }
}

/// Follows the only child of each span.
#[track_caller]
fn chain(trace: &Trace) -> Vec<&Span> {
    let mut chain = vec![trace.roots()[0]];
    loop {
        match trace.children(chain[chain.len() - 1])[..] {
            [] => return chain,
            [child] => chain.push(child),
            _ => panic!("{trace}"),
        }
    }
}

fn told(span: &Span) -> (&str, &SpanKind, &str) {
    (span.service().unwrap(), span.kind(), span.name())
}

const METHOD: &str = "shop.Pricing/Quote";

#[test]
fn a_call_is_one_trace_from_front_to_behind() {
    let shop = Shop::open();
    let quote = (200, "espresso costs 250 cents\n".to_owned());
    assert_eq!(shop.ask("/quote/espresso"), quote);
    let trace = shop.close(6);
    let spans = chain(&trace);
    let told: Vec<_> = spans.iter().map(|span| told(span)).collect();
    assert_eq!(
        told,
        [
            ("grpc-gateway", &SpanKind::Server, "GET /quote/{sku}"),
            ("grpc-gateway", &SpanKind::Client, METHOD),
            ("grpc-pricing", &SpanKind::Server, METHOD),
            ("grpc-pricing", &SpanKind::Client, "GET"),
            ("pricing", &SpanKind::Server, "GET /quote/{sku}"),
            ("pricing", &SpanKind::Client, "SELECT prices"),
        ]
    );
    for span in &spans[1..3] {
        let code = span.attribute("rpc.status_code");
        assert_eq!(code, Some(&"OK".into()), "{span:?}");
        let peer = span.attribute("network.peer.address");
        assert_eq!(peer, Some(&"127.0.0.1".into()), "{span:?}");
        assert_eq!(span.status(), &Status::Unset);
    }
}

#[test]
fn a_stream_is_one_call_above_all_that_it_asks() {
    let shop = Shop::open();
    let (status, lines) = shop.ask("/watch/espresso");
    assert_eq!((status, lines.lines().count()), (200, 3), "{lines}");
    let trace = shop.close(3 + 3 * 3);
    let server = trace.roots()[0];
    let [client] = trace.children(server)[..] else {
        panic!("{trace}")
    };
    let [watch] = trace.children(client)[..] else {
        panic!("{trace}")
    };
    let service = ("grpc-pricing", &SpanKind::Server, "shop.Pricing/Watch");
    assert_eq!(told(watch), service);
    let asked = trace.children(watch);
    assert_eq!(asked.len(), 3, "{trace}");
    for call in asked {
        assert_eq!(told(call), ("grpc-pricing", &SpanKind::Client, "GET"));
        assert!(watch.start() <= call.start() && call.end() <= watch.end());
    }
}

#[test]
fn a_status_that_is_the_caller_s_is_an_error_of_the_client_alone() {
    let shop = Shop::open();
    assert_eq!(shop.ask("/quote/unobtainium").0, 404);
    let trace = shop.close(6);
    let spans = chain(&trace);
    let error = |span: &Span| span.attribute("error.type").map(ToString::to_string);
    let errors: Vec<_> = spans.iter().map(|span| error(span)).collect();
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        errors,
        [None, some("NOT_FOUND"), None, some("404"), None, None]
    );
}

#[test]
fn the_first_call_of_a_method_has_its_name_although_it_fails() {
    let mut shop = Shop::open();
    assert!(shop.processes[2].terminate(LIMIT).unwrap().success());
    assert_eq!(shop.ask("/quote/espresso").0, 502);
    let traces = shop.collector.wait_for(
        |traces| traces.iter().map(|it| it.spans().len()).sum::<usize>() >= 4,
        LIMIT,
    );
    let traces = traces.unwrap();
    let spans = chain(&traces[0]);
    assert_eq!(told(spans[2]), ("grpc-pricing", &SpanKind::Server, METHOD));
    let code = spans[2].attribute("rpc.status_code");
    assert_eq!(code, Some(&"UNAVAILABLE".into()));
    assert_eq!(spans[2].attribute("rpc.method"), Some(&METHOD.into()));
}
