//! `otel-probe collect`.

use std::{
    collections::VecDeque,
    error::Error,
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use otel_testkit::{Collector, HtmlPage, LogLine, Picture, Span, Trace, escape_json};

use crate::interrupt::Interrupt;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  otel-probe collect
  otel-probe collect --format json | jq .trace_id
  otel-probe collect --html traces.html --count 1
  OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf your-service

It is made for a desk and for tests: it listens on 127.0.0.1 only and keeps everything in memory.
Exit codes: 0 --count traces came or it was interrupted, 1 --within passed before, 2 it could not listen or write.")]
pub(crate) struct Options {
    /// Port for OTLP over HTTP; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4318)]
    http_port: u16,
    /// Port for OTLP over gRPC; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 4317)]
    grpc_port: u16,
    /// How to print each finished trace
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Writes a web page of the latest traces to this file, anew after each
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Milliseconds without a new span after which a trace counts as finished
    #[arg(long, value_name = "MS", default_value_t = 1_000)]
    quiet: u64,
    /// Ends after this many traces; without it, at Ctrl-C, which shows the unfinished ones too
    #[arg(long, value_name = "TRACES")]
    count: Option<usize>,
    /// Gives up after this many seconds
    #[arg(long, value_name = "SECONDS")]
    within: Option<u64>,
    /// MiB that spans and log lines may take each, by estimate; beyond it the quietest traces are dropped
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

/// Returns whether as many traces came as were asked for.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let interrupt = Interrupt::new()?;
    let memory = options.memory.saturating_mul(1024 * 1024);
    let collector = Collector::builder()
        .http_port(options.http_port)
        .grpc_port(options.grpc_port)
        .memory_limit(memory)
        .start()?;
    eprintln!(
        "listening for OTLP: http {}, grpc {}",
        collector.http_endpoint(),
        collector.grpc_endpoint()
    );
    if let Some(file) = &options.html {
        write_page(file, &[], &[])?;
    }
    let (start, mut seen, mut progress) = (Instant::now(), 0, Progress::default());
    let mut pages = Pages::new(memory);
    loop {
        let interrupted = interrupt.is_pressed();
        let quiet = match interrupted {
            true => Duration::ZERO, // whatever is there
            false => Duration::from_millis(options.quiet),
        };
        let finished = collector.take_finished(quiet);
        if !finished.is_empty() {
            progress.clear();
            let logs = collector.logs();
            seen += finished.len();
            for trace in &finished {
                print(options.format, trace, &logs)?;
            }
            if let Some(file) = &options.html {
                pages.push(finished);
                write_page(file, pages.traces.make_contiguous(), &logs)?;
            }
        }
        if interrupted {
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
            eprintln!("otel-probe: {seen} traces came within {waited:.0?}");
            return Ok(options.count.is_none());
        }
        progress.show(&collector, seen);
        thread::sleep(POLL);
    }
}

fn print(format: Format, trace: &Trace, logs: &[LogLine]) -> io::Result<()> {
    let text = match format {
        Format::None => return Ok(()),
        Format::Json => format!("{}\n", escape_json(&trace.to_json(logs).to_string())),
        Format::Text => {
            let id = trace.id().to_string();
            let logs = logs.iter().filter(|line| line.trace_id() == Some(&id));
            let logs: String = logs
                .map(|line| escape_json(&line.to_string()) + "\n")
                .collect();
            format!("{}{logs}\n", Picture::for_terminal(trace))
        }
    };
    crate::print(&text)
}

/// Written beside the file and moved into its place, so that no browser sees half a page.
fn write_page(file: &Path, traces: &[Trace], logs: &[LogLine]) -> Result<(), String> {
    let page = HtmlPage::new(traces, logs).to_string();
    let unfinished = file.with_extension("html.part");
    fs::write(&unfinished, page)
        .and_then(|()| fs::rename(&unfinished, file))
        .map_err(|error| format!("cannot write {}: {error}", file.display()))
}

/// The traces of the page: the latest, as many as a browser shows well and the memory holds.
struct Pages {
    traces: VecDeque<Trace>,
    spans: usize,
    /// By estimate.
    bytes: usize,
    memory_limit: usize,
}

impl Pages {
    fn new(memory_limit: usize) -> Self {
        Self {
            traces: VecDeque::new(),
            spans: 0,
            bytes: 0,
            memory_limit,
        }
    }

    fn push(&mut self, traces: Vec<Trace>) {
        for trace in traces {
            self.spans += trace.spans().len();
            self.bytes += weight(&trace);
            self.traces.push_back(trace);
            while self.traces.len() > 1 && self.is_over() {
                if let Some(oldest) = self.traces.pop_front() {
                    self.spans -= oldest.spans().len();
                    self.bytes -= weight(&oldest);
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.traces.len() > MAX_TRACES || self.spans > MAX_SPANS || self.bytes > self.memory_limit
    }
}

fn weight(trace: &Trace) -> usize {
    trace.spans().iter().map(Span::weight).sum()
}

/// One line on a terminal that says what has come, rewritten in place.
#[derive(Default)]
struct Progress {
    shown: String,
}

impl Progress {
    fn show(&mut self, collector: &Collector, seen: usize) {
        if !io::stderr().is_terminal() {
            return;
        }
        let (open, dropped) = (collector.span_count(), collector.dropped());
        let dropped = match dropped {
            0 => String::new(),
            some => format!(", {some} spans dropped for memory"),
        };
        let line =
            format!("waiting: {seen} traces so far, {open} spans of unfinished ones{dropped}");
        if line != self.shown {
            eprint!("\r\x1b[2K{line}");
            let _ = io::stderr().flush(); // there is nowhere to report it
            self.shown = line;
        }
    }

    fn clear(&mut self) {
        if !self.shown.is_empty() {
            eprint!("\r\x1b[2K");
            self.shown.clear();
        }
    }
}

const POLL: Duration = Duration::from_millis(50);
const MAX_TRACES: usize = 200;
const MAX_SPANS: usize = 20_000;
