//! What `check` and `audit` share: receiving what services export after they were asked.

use std::{
    error::Error,
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Args;
use otel_testkit::{Collector, LogLine, Trace};

#[derive(Debug, Args)]
#[group(skip)] // its name is that of the command's own
pub(crate) struct Options {
    /// Port for OTLP over HTTP; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4318)]
    http_port: u16,
    /// Port for OTLP over gRPC; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4317)]
    grpc_port: u16,
    /// Seconds to wait for the first span
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    wait: u64,
    /// Milliseconds without a new span after which everything has come; exporters send every 5 seconds by default
    #[arg(long, value_name = "MS", default_value_t = 6_000)]
    quiet: u64,
    /// A file of the services' log lines as JSON objects; lines that are sent as OTLP come by themselves
    #[arg(long, value_name = "FILE")]
    logs: Vec<PathBuf>,
}

impl Options {
    /// Starts the receiver and says where.
    pub(crate) fn start(&self) -> Result<Collector, Box<dyn Error>> {
        let collector = Collector::builder()
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

    /// Waits until nothing more comes, and returns what has.
    pub(crate) fn finish(&self, collector: &Collector) -> Result<Received, Box<dyn Error>> {
        let mut seen = 0;
        let mut limit = Duration::from_secs(self.wait);
        while let Some(count) = self.next(collector, seen, limit) {
            seen = count;
            limit = Duration::from_millis(self.quiet);
        }
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

    /// Waits for more spans than were seen, and returns how many there are now.
    fn next(&self, collector: &Collector, seen: usize, limit: Duration) -> Option<usize> {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            progress(&format!(
                "waiting for spans, {seen} so far, {} s more",
                left.as_secs()
            ));
            let more = collector.wait_for(|traces| count(traces) != seen, left.min(SECOND));
            match more {
                Ok(traces) => return Some(count(&traces)),
                Err(_) if left <= SECOND => {
                    progress("");
                    return None;
                }
                Err(_) => {}
            }
        }
    }
}

/// What the services have sent.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) traces: Vec<Trace>,
    pub(crate) logs: Vec<LogLine>,
}

fn count(traces: &[Trace]) -> usize {
    traces.iter().map(|trace| trace.spans().len()).sum()
}

/// Shows one line on a terminal, in place of the one before; elsewhere nothing.
fn progress(line: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[2K{line}");
        let _ = io::stderr().flush(); // there is nowhere to report it
    }
}

const SECOND: Duration = Duration::from_secs(1);
