//! `otel-probe collect`.

mod page;

use std::{
    error::Error,
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use otel_testkit::{Collector, LogLine, Picture, Trace, escape_json};
use signal_hook::{consts::SIGINT, flag};

use self::page::Page;
use crate::{output, progress::Progress, receiver::Ports};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  otel-probe collect
  otel-probe collect --format json | jq .trace_id
  otel-probe collect --html traces.html --count 1
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf your-service

The receiver is meant for development and tests: it listens on 127.0.0.1 only and keeps everything in memory.
Exit codes: 0 --count traces were received or Ctrl-C was pressed, 1 --within passed first, 2 it could not listen or write.")]
pub(crate) struct Options {
    #[command(flatten)]
    ports: Ports,
    /// Output for each finished trace
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Writes a web page of the latest traces to this file, again after each trace
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Milliseconds without a new span after which a trace counts as finished
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    quiet: u64,
    /// Stops after this many traces; by default at Ctrl-C, which also prints unfinished traces
    #[arg(long, value_name = "TRACES")]
    count: Option<usize>,
    /// Stops after this many seconds
    #[arg(long, value_name = "SECONDS")]
    within: Option<u64>,
    /// Estimated MiB for spans, and as much again for log lines; above this limit the longest inactive trace is dropped
    #[arg(long, value_name = "MIB", default_value_t = 256)]
    memory: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Format {
    /// A waterfall and its log lines
    Text,
    /// One JSON object per line
    Json,
    /// Nothing
    None,
}

/// Returns whether `--count` traces were received; without `--count`, always `true`.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let interrupted = Arc::new(AtomicBool::new(false));
    flag::register(SIGINT, Arc::clone(&interrupted))?;
    let memory = options.memory.saturating_mul(1024 * 1024);
    let collector = options
        .ports
        .start(Collector::builder().memory_limit(memory))?;
    let mut page = match &options.html {
        Some(file) => Some(Page::new(file, memory)?),
        None => None,
    };
    let (start, mut seen, mut progress) = (Instant::now(), 0, Progress::default());
    loop {
        let is_interrupted = interrupted.load(Ordering::Relaxed);
        let quiet = if is_interrupted {
            Duration::ZERO // unfinished traces too
        } else {
            Duration::from_millis(options.quiet)
        };
        let finished = collector.take_finished(quiet);
        if !finished.is_empty() {
            progress.clear();
            let logs = collector.logs();
            seen += finished.len();
            for trace in &finished {
                print(options.format, trace, &logs)?;
            }
            if let Some(page) = &mut page {
                page.add(finished, &logs)?;
            }
        }
        if is_interrupted {
            progress.clear();
            return Ok(true);
        }
        if options.count.is_some_and(|count| seen >= count) {
            return Ok(true);
        }
        let waited = start.elapsed();
        if options
            .within
            .is_some_and(|within| waited >= Duration::from_secs(within))
        {
            progress.clear();
            eprintln!("otel-probe: received {seen} traces within {waited:.0?}");
            return Ok(options.count.is_none());
        }
        progress.show(status(&collector, seen));
        thread::sleep(POLL);
    }
}

fn print(format: Format, trace: &Trace, logs: &[LogLine]) -> io::Result<()> {
    let text = match format {
        Format::None => return Ok(()),
        Format::Json => format!("{}\n", escape_json(&trace.to_json(logs).to_string())),
        Format::Text => {
            let id = trace.id().to_string();
            let mut text = Picture::for_terminal(trace).to_string();
            for line in logs.iter().filter(|line| line.trace_id() == Some(&id)) {
                text.push_str(&escape_json(&line.to_string()));
                text.push('\n');
            }
            text.push('\n');
            text
        }
    };
    output::print(&text)
}

fn status(collector: &Collector, seen: usize) -> String {
    let unfinished = collector.span_count();
    let mut text =
        format!("waiting: {seen} traces received, {unfinished} spans of unfinished traces");
    match collector.dropped() {
        0 => {}
        dropped => text.push_str(&format!(", {dropped} spans dropped at the memory limit")),
    }
    text
}

const POLL: Duration = Duration::from_millis(50);
