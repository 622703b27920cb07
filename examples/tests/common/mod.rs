//! Gateway and pricing as real processes, with a real collector.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]

use std::process::Command;
use std::time::Duration;

use opentelemetry::trace::SpanId;
use otel_testkit::{Collector, LogLine, Process, Span, Trace};

pub const LIMIT: Duration = Duration::from_secs(30);

/// Chooses the span layer of the programs, see `otel_examples::with_span_layer`.
const SPAN_LAYER: &str = "OTEL_TESTKIT_SPAN_LAYER";

/// The scope of the spans that the programs make with `tracing`.
pub fn scope_of_tracing() -> &'static str {
    if std::env::var(SPAN_LAYER).is_ok_and(|name| name == "tracing-opentelemetry") {
        "tracing"
    } else {
        "otel_tracing"
    }
}

/// A command for one of the programs, which no setting of the machine reaches except the span layer.
pub fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == SPAN_LAYER {
            continue;
        }
        if text.starts_with("OTEL_") || text.starts_with("RUST_") || text == "LISTEN" {
            command.env_remove(&name);
        }
    }
    command
        .env("LISTEN", "127.0.0.1:0")
        .env("OTEL_RUST_CONTEXT_LOSS_DETECTION", "true")
        .env("OTEL_BSP_SCHEDULE_DELAY", "50");
    command
}

pub fn gateway() -> Command {
    program(env!("CARGO_BIN_EXE_gateway"))
}

pub fn pricing() -> Command {
    program(env!("CARGO_BIN_EXE_pricing"))
}

pub fn leaky() -> Command {
    program(env!("CARGO_BIN_EXE_leaky"))
}

pub fn lossy() -> Command {
    program(env!("CARGO_BIN_EXE_lossy"))
}

/// Starts a service and waits for the address it announces.
pub fn start(name: &str, command: &mut Command) -> (Process, String) {
    let process = Process::start(name, command).unwrap();
    let url = process
        .wait_for_stderr(LIMIT, |line| {
            let (_, url) = line.split_once(" listening on ")?;
            Some(url.to_owned())
        })
        .unwrap();
    (process, url)
}

pub struct Shop {
    pub collector: Collector,
    pub gateway: Process,
    pub pricing: Process,
    pub url: String,
    pub pricing_url: String,
}

impl Shop {
    /// Starts both services with these variables set for both.
    pub fn open(variables: &[(&str, &str)]) -> Self {
        Self::open_with(variables, variables)
    }

    pub fn open_with(for_gateway: &[(&str, &str)], for_pricing: &[(&str, &str)]) -> Self {
        let collector = Collector::start().unwrap();
        let endpoint = collector.http_endpoint();
        let exporting = [("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str())];
        let (pricing, pricing_url) = start(
            "pricing",
            pricing().envs(exporting).envs(for_pricing.iter().copied()),
        );
        let (gateway, url) = start(
            "gateway",
            gateway()
                .env("PRICING_URL", &pricing_url)
                .envs(exporting)
                .envs(for_gateway.iter().copied()),
        );
        Self {
            collector,
            gateway,
            pricing,
            url,
            pricing_url,
        }
    }

    pub fn wait_for_spans(&self, count: usize) -> Vec<Trace> {
        let spans = |traces: &[Trace]| traces.iter().map(|it| it.spans().len()).sum::<usize>();
        self.collector
            .wait_for(|traces| spans(traces) >= count, LIMIT)
            .unwrap()
    }

    /// Ends both services and returns every line each has written while serving.
    pub fn close(mut self) -> [Vec<LogLine>; 2] {
        assert!(self.gateway.terminate(LIMIT).unwrap().success());
        assert!(self.pricing.terminate(LIMIT).unwrap().success());
        let mut logs = [self.gateway.logs(), self.pricing.logs()];
        for logs in &mut logs {
            // The line that says what is in force belongs to no request.
            logs.retain(|line| line.target() != "otel_setup" || line.level() != "INFO");
        }
        let is_loss = |line: &&LogLine| line.target() == "otel_core::context_loss";
        let losses: Vec<_> = logs.iter().flatten().filter(is_loss).collect();
        assert!(losses.is_empty(), "{losses:?}");
        logs
    }
}

/// The status of a request to this URL, sent without any context.
pub fn get(url: &str) -> u16 {
    block_on(async { reqwest::get(url).await.unwrap().status().as_u16() })
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(future)
}

/// The spans of a whole checkout, each the child of the one before.
pub const CHAIN: [(&str, &str); 5] = [
    ("gateway", "GET /checkout/{cart}"),
    ("gateway", "price cart"),
    ("gateway", "GET"),
    ("pricing", "GET /quote/{sku}"),
    ("pricing", "SELECT prices"),
];

/// Asserts that the trace is exactly this chain, and returns its spans in its order.
#[track_caller]
pub fn assert_chain(trace: &Trace) -> [&Span; 5] {
    assert_chain_under(trace, None)
}

/// The same under a parent that is not in the recording.
#[track_caller]
pub fn assert_chain_under(trace: &Trace, caller: Option<SpanId>) -> [&Span; 5] {
    assert_eq!(trace.spans().len(), CHAIN.len(), "{trace}");
    let mut parent = caller;
    CHAIN.map(|(service, name)| {
        let span = trace
            .span(name)
            .unwrap_or_else(|| panic!("no span {name} in\n{trace}"));
        assert_eq!(span.service(), Some(service), "{name} in\n{trace}");
        assert_eq!(
            span.parent_span_id(),
            parent,
            "parent of {name} in\n{trace}"
        );
        parent = Some(span.span_id());
        span
    })
}
