//! A service under load while its collector stops and starts: no request fails, memory stays flat, no span is missing
//! from the books.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, ensure};
use clap::Args;
use otel_testkit::{Collector, Process};

use crate::cargo::build_programs;

const LIMIT: Duration = Duration::from_secs(30);
const SPANS_PER_REQUEST: u64 = 2;
/// What a queue and a batch may take, and the allocator keep.
const GROWTH_MIB: f64 = 16.0;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many requests are sent
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// How many of them at a time
    #[arg(long, default_value_t = 4)]
    clients: u64,
    /// For how many seconds the collector runs, and then does not, in turns
    #[arg(long, default_value_t = 2)]
    turn: u64,
}

pub(crate) fn run_all(options: &Options) -> anyhow::Result<()> {
    let collector = Collector::builder().span_limit(usize::MAX).start()?;
    let endpoint = collector.http_endpoint();
    let mut service = start(&endpoint)?;
    let url = service.wait_for_stderr(LIMIT, |line| {
        line.starts_with("http://").then(|| line.to_owned())
    })?;
    let id = service.id();

    let is_over = AtomicBool::new(false);
    let (load, turns, memory) = thread::scope(|scope| {
        let turns = scope.spawn(|| stop_and_start(collector, &endpoint, options.turn, &is_over));
        let memory = scope.spawn(|| watch_memory(id, &is_over));
        let load = send(&url, options);
        is_over.store(true, Ordering::Relaxed);
        (load, turns.join(), memory.join())
    });
    let turns = turns.map_err(|_| anyhow!("the collector panicked"))??;
    let memory = memory.map_err(|_| anyhow!("the watch over the memory panicked"))??;
    let status = service.terminate(LIMIT)?;
    ensure!(status.success(), "the service ended with {status}");
    let books = Books::of(&service)?;
    let mut seen = turns.seen;
    seen.extend(ids(turns.last));
    let seen = seen.len() as u64;

    let mut out = io::stdout().lock();
    writeln!(
        out,
        "requests   {} in {:.1} s, {} failed",
        options.requests, load.seconds, load.failed
    )?;
    writeln!(out, "collector  stopped {} times", turns.stops)?;
    writeln!(
        out,
        "spans      {} exported, {} dropped (queue full), {} lost (export failed), {} left; {seen} received",
        books.exported, books.dropped, books.lost, books.waiting
    )?;
    writeln!(
        out,
        "memory     {:.1} MiB after a fifth of the time, {:.1} MiB at most, {:.1} MiB at the end",
        memory.early, memory.most, memory.last
    )?;

    ensure!(load.failed == 0, "{} requests failed", load.failed);
    let ended = options.requests * SPANS_PER_REQUEST;
    let sum = books.exported + books.dropped + books.lost + books.waiting;
    ensure!(sum == ended, "{ended} spans ended, the books have {sum}");
    ensure!(
        books.waiting == 0,
        "{} spans were left at the end",
        books.waiting
    );
    // A collector that was stopped while it answered has spans that its client counts as lost.
    ensure!(
        (books.exported..=books.exported + books.lost).contains(&seen),
        "{} spans were exported, {seen} received",
        books.exported
    );
    let growth = memory.most - memory.early;
    ensure!(growth < GROWTH_MIB, "memory grew by {growth:.1} MiB");
    Ok(())
}

fn start(endpoint: &str) -> anyhow::Result<Process> {
    let example = ["--package", "otel-setup", "--example", "soak"];
    let programs =
        build_programs(&[&example[..], &["--release", "--features", "signal"]].concat())?;
    let program = programs.first().context("cargo has built no program")?;
    let mut command = std::process::Command::new(program);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        .env("OTEL_METRICS_EXPORTER", "none")
        // So that turns are not over before an export has failed.
        .env("OTEL_BSP_SCHEDULE_DELAY", "200");
    Process::start("soak", &mut command).with_context(|| format!("{}", program.display()))
}

struct Load {
    seconds: f64,
    failed: u64,
}

fn send(url: &str, options: &Options) -> Load {
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..options.clients {
            scope.spawn(|| {
                let client = reqwest::blocking::Client::new();
                loop {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    if id >= options.requests {
                        break;
                    }
                    let answer = client.get(format!("{url}/work/{id}")).send();
                    let text = answer.and_then(|it| it.error_for_status()?.text());
                    if text.ok() != Some(id.wrapping_mul(id).to_string()) {
                        failed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    Load {
        seconds: start.elapsed().as_secs_f64(),
        failed: failed.into_inner(),
    }
}

struct Turns {
    stops: u64,
    seen: HashSet<[u8; 8]>,
    /// The one that runs at the end.
    last: Collector,
}

fn stop_and_start(
    first: Collector,
    endpoint: &str,
    seconds: u64,
    is_over: &AtomicBool,
) -> anyhow::Result<Turns> {
    let port = endpoint.rsplit(':').next().unwrap_or_default().parse()?;
    let mut turns = Turns {
        stops: 0,
        seen: HashSet::new(),
        last: first,
    };
    let turn = Duration::from_secs(seconds);
    while !sleep(turn, is_over) {
        turns.seen.extend(ids(turns.last));
        turns.stops += 1;
        sleep(turn, is_over);
        turns.last = Collector::builder()
            .http_port(port)
            .span_limit(usize::MAX)
            .start()?;
    }
    Ok(turns)
}

/// Returns early, and true, when it is over.
fn sleep(time: Duration, is_over: &AtomicBool) -> bool {
    let end = Instant::now() + time;
    while Instant::now() < end && !is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
    }
    is_over.load(Ordering::Relaxed)
}

/// A retry after an answer that was lost brings a span twice, so that ids are counted.
fn ids(collector: Collector) -> impl Iterator<Item = [u8; 8]> {
    let spans = collector.stop().into_iter();
    spans.map(|span| span.span_id().to_bytes())
}

struct Memory {
    early: f64,
    most: f64,
    last: f64,
}

fn watch_memory(id: u32, is_over: &AtomicBool) -> anyhow::Result<Memory> {
    let mut samples = Vec::new();
    loop {
        samples.push(resident_mib(id)?);
        if sleep(Duration::from_millis(100), is_over) {
            break;
        }
    }
    let settled = samples.get(samples.len() / 5..).unwrap_or_default();
    let most = settled.iter().copied().fold(0.0, f64::max);
    match settled {
        [early, .., last] => Ok(Memory {
            early: *early,
            most,
            last: *last,
        }),
        _ => Err(anyhow!("it was over before the memory could be watched")),
    }
}

fn resident_mib(id: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))
        .context("memory is read from /proc, which Linux has")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    let kib: f64 = number.context("/proc names no resident memory")?.parse()?;
    Ok(kib / 1024.0)
}

/// What the service says itself at the end.
struct Books {
    exported: u64,
    dropped: u64,
    lost: u64,
    waiting: u64,
}

impl Books {
    fn of(service: &Process) -> anyhow::Result<Self> {
        let lines = service.stderr();
        let line = lines.iter().find(|line| line.starts_with("exported="));
        let line = line.ok_or_else(|| anyhow!("the service said nothing: {lines:?}"))?;
        let number = |name: &str| {
            let words = line.split(' ').filter_map(|word| word.split_once('='));
            let value = words.into_iter().find(|(key, _)| *key == name);
            let (_, value) = value.with_context(|| format!("{name} is missing in {line}"))?;
            Ok::<u64, anyhow::Error>(value.parse()?)
        };
        Ok(Self {
            exported: number("exported")?,
            dropped: number("dropped")?,
            lost: number("lost")?,
            waiting: number("waiting")?,
        })
    }
}
