//! The OTLP receiver that services export to.

use std::{
    error::Error,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use otel_testkit::{Collector, CollectorBuilder, CollectorError, LogLine, Trace};

use crate::progress::Progress;

/// The ports of `collect`, `check` and `audit`.
#[derive(Debug, Args)]
pub(crate) struct Ports {
    /// Port for OTLP over HTTP; 0 picks a free port
    #[arg(long, value_name = "PORT", default_value_t = 4318)]
    http_port: u16,
    /// Port for OTLP over gRPC; 0 picks a free port
    #[arg(long, value_name = "PORT", default_value_t = 4317)]
    grpc_port: u16,
}

impl Ports {
    /// Starts a receiver on these ports and prints its endpoints.
    pub(crate) fn start(&self, builder: CollectorBuilder) -> Result<Collector, CollectorError> {
        let collector = builder
            .http_port(self.http_port)
            .grpc_port(self.grpc_port)
            .start()?;
        eprintln!(
            "listening for OTLP: http {}, grpc {}",
            collector.http_endpoint(),
            collector.grpc_endpoint()
        );
        Ok(collector)
    }
}

/// The options of `check` and `audit` about the receiver.
#[derive(Debug, Args)]
pub(crate) struct ReceiverOptions {
    #[command(flatten)]
    ports: Ports,
    /// Seconds to wait for the first span
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    wait: u64,
    /// Milliseconds without a new span after which all spans count as received; exporters send every 5 seconds by default
    #[arg(long, value_name = "MS", default_value_t = 6_000)]
    quiet: u64,
    /// File with the services' log lines as JSON objects; log records sent over OTLP are received without this option
    #[arg(long, value_name = "FILE")]
    logs: Vec<PathBuf>,
}

/// The traces and log lines of the services.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) traces: Vec<Trace>,
    pub(crate) logs: Vec<LogLine>,
}

impl ReceiverOptions {
    /// Starts the receiver and prints its endpoints.
    pub(crate) fn start(&self) -> Result<Collector, CollectorError> {
        self.ports.start(Collector::builder())
    }

    /// Waits until no more spans arrive, and returns everything that was received.
    pub(crate) fn finish(&self, collector: &Collector) -> Result<Received, Box<dyn Error>> {
        let mut progress = Progress::default();
        let mut seen = 0;
        let mut limit = Duration::from_secs(self.wait);
        while let Some(count) = wait_for_more(collector, seen, limit, &mut progress) {
            seen = count;
            limit = Duration::from_millis(self.quiet);
        }
        progress.clear();
        let mut logs = collector.logs();
        for file in &self.logs {
            let text = fs::read(file)
                .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
            let text = String::from_utf8_lossy(&text);
            logs.extend(text.lines().filter_map(|line| LogLine::parse(line).ok()));
        }
        let traces = collector.traces();
        Ok(Received { traces, logs })
    }
}

/// Waits until the number of spans differs from `seen`, and returns the new number. Returns `None` after `limit`.
fn wait_for_more(
    collector: &Collector,
    seen: usize,
    limit: Duration,
    progress: &mut Progress,
) -> Option<usize> {
    let end = Instant::now() + limit;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        progress.show(format!(
            "waiting for spans: {seen} received, {} s left",
            left.as_secs()
        ));
        let more = collector.wait_for(|traces| count(traces) != seen, left.min(SECOND));
        match more {
            Ok(traces) => return Some(count(&traces)),
            Err(_) if left <= SECOND => return None,
            Err(_) => {}
        }
    }
}

fn count(traces: &[Trace]) -> usize {
    traces.iter().map(|trace| trace.spans().len()).sum()
}

const SECOND: Duration = Duration::from_secs(1);
