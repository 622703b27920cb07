//! A service under load while its collector stops and starts: no request fails, memory does not grow, and each span is
//! counted.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Args;
use otel_testkit::{Collector, Process};

use crate::cargo::build_programs;

const LIMIT: Duration = Duration::from_secs(30);
const SPANS_PER_REQUEST: u64 = 2;
/// The memory that a queue, a batch and the allocator may keep.
const GROWTH_MIB: f64 = 16.0;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many requests are sent
    #[arg(long, default_value_t = 100_000)]
    requests: u64,
    /// How many of them at a time
    #[arg(long, default_value_t = 4)]
    clients: u64,
    /// Seconds for which the collector runs, and then is stopped, in turns
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
    let began = Instant::now();
    let (failed, seconds, turns, memory) = thread::scope(|scope| {
        let turns = scope.spawn(|| stop_and_start(collector, &endpoint, options.turn, &is_over));
        let memory = scope.spawn(|| watch_memory(id, &is_over));
        let failed = send(&url, options);
        let seconds = began.elapsed().as_secs_f64();
        is_over.store(true, Ordering::Relaxed);
        (failed, seconds, turns.join(), memory.join())
    });
    let turns = turns.map_err(|_| anyhow!("the collector panicked"))??;
    let memory = memory.map_err(|_| anyhow!("the watch over the memory panicked"))??;
    let status = service.terminate(LIMIT)?;
    ensure!(status.success(), "the service ended with {status}");
    let [exported, dropped, lost, waiting] = counts(&service)?;
    let mut seen = turns.seen;
    seen.extend(ids(turns.last));
    let seen = seen.len() as u64;
    let settled = memory.get(memory.len() / 5..).unwrap_or_default();
    let [early, .., last] = settled else {
        bail!("the run ended before the memory could be watched");
    };
    let most = settled.iter().copied().fold(0.0, f64::max);

    let mut out = io::stdout().lock();
    let requests = options.requests;
    writeln!(
        out,
        "requests   {requests} in {seconds:.1} s, {failed} failed"
    )?;
    writeln!(out, "collector  stopped {} times", turns.stops)?;
    writeln!(
        out,
        "spans      {exported} exported, {dropped} dropped (queue full), {lost} lost (export failed), {waiting} left; \
         {seen} received"
    )?;
    writeln!(
        out,
        "memory     {early:.1} MiB after a fifth of the time, {most:.1} MiB at most, {last:.1} MiB at the end"
    )?;

    ensure!(failed == 0, "{failed} requests failed");
    let ended = requests * SPANS_PER_REQUEST;
    let sum = exported + dropped + lost + waiting;
    ensure!(
        sum == ended,
        "{ended} spans ended, the service counted {sum}"
    );
    ensure!(waiting == 0, "{waiting} spans were left at the end");
    // A collector that was stopped while it answered has spans that its client counts as lost.
    ensure!(
        (exported..=exported + lost).contains(&seen),
        "{exported} spans were exported, {seen} received"
    );
    let growth = most - early;
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
        // Exports must fail within a turn.
        .env("OTEL_BSP_SCHEDULE_DELAY", "200");
    Process::start("soak", &mut command).with_context(|| format!("{}", program.display()))
}

/// Sends the requests and returns how many have failed.
fn send(url: &str, options: &Options) -> u64 {
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
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
    failed.into_inner()
}

struct Turns {
    stops: u64,
    seen: HashSet<[u8; 8]>,
    /// The collector that runs at the end.
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

/// Sleeps until the time or the load is over. Returns whether the load is over.
fn sleep(time: Duration, is_over: &AtomicBool) -> bool {
    let end = Instant::now() + time;
    while Instant::now() < end && !is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
    }
    is_over.load(Ordering::Relaxed)
}

/// Stops a collector and returns the ids of its spans. A retry after a lost answer sends a span twice, so ids are counted.
fn ids(collector: Collector) -> impl Iterator<Item = [u8; 8]> {
    let spans = collector.stop().into_iter();
    spans.map(|span| span.span_id().to_bytes())
}

/// Returns the resident memory of a process in MiB, every 100 ms until the load is over.
fn watch_memory(id: u32, is_over: &AtomicBool) -> anyhow::Result<Vec<f64>> {
    let mut samples = Vec::new();
    loop {
        samples.push(resident_mib(id)?);
        if sleep(Duration::from_millis(100), is_over) {
            return Ok(samples);
        }
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

/// Reads the counts that the service prints at its end: `exported=7 dropped=0 lost=0 waiting=0`.
fn counts(service: &Process) -> anyhow::Result<[u64; 4]> {
    let lines = service.stderr();
    let line = lines.iter().find(|line| line.starts_with("exported="));
    let line = line.with_context(|| format!("the service printed no counts: {lines:?}"))?;
    let words = ["exported=", "dropped=", "lost=", "waiting="].into_iter();
    let counts = words.zip(line.split(' ')).map(|(name, word)| {
        let count = word.strip_prefix(name).with_context(|| line.clone())?;
        Ok(count.parse()?)
    });
    let counts = counts.collect::<anyhow::Result<Vec<u64>>>()?;
    counts
        .try_into()
        .map_err(|_| anyhow!("not four counts: {line}"))
}
