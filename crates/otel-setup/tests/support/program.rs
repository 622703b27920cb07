//! A program that writes the same lines with telemetry and without.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::thread;

use otel_setup::Telemetry;
use tracing::field;

use crate::support::own_process::{Output, in_own_process};
use crate::support::span_layer::is_tracing_opentelemetry;
use crate::support::{Endpoint, Mood};

/// Which version of the program a process runs.
pub(crate) const VERSION: &str = "SET_UPS_VERSION";
/// The log file of a process.
pub(crate) const LOG_FILE: &str = "SET_UPS_LOG_FILE";
/// What a program writes first. The test harness writes before it.
const START: &str = "\n--- start ---\n";

/// What a version of a program has written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
    pub(crate) file: Vec<String>,
    /// Whether a DEBUG line would be written.
    details: String,
}

/// Checks that the program writes the same lines in each version, and that its spans arrive. `program` gets `true` if it has to set
/// up telemetry, and returns the guard. Each call of [`work`] makes two spans.
///
/// Returns the lines of the application, and the other lines of the version with traces.
pub(crate) fn check(
    name: &str,
    variables: &[(&str, &str)],
    calls: usize,
    program: impl Fn(bool) -> Option<Telemetry>,
) -> (Lines, Vec<String>) {
    let endpoint = Endpoint::start(Mood::Fine);
    let run = |version: &str| {
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{version}.log"));
        let _ = fs::remove_file(&file);
        let url = endpoint.url();
        let mut variables = variables.to_vec();
        variables.extend([
            (VERSION, version),
            (LOG_FILE, file.to_str().unwrap()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
            ("OTEL_METRICS_EXPORTER", "none"),
        ]);
        if version == "disabled" {
            variables.push(("OTEL_SDK_DISABLED", "true"));
        }
        let output = in_own_process(name, &variables, || child(calls, &program));
        let file = fs::read_to_string(&file).unwrap_or_default();
        lines(&output, &file)
    };
    let (before, nothing) = run("before");
    assert_eq!(nothing, [""; 0], "{before:?}");
    let (traced, own) = run("traced");
    assert_eq!(traced, before);
    let mut spans = endpoint.spans();
    spans.sort();
    assert_eq!(spans, [vec!["order"; calls], vec!["pay"; calls]].concat());
    let exports = endpoint.requests().len();
    let (disabled, _) = run("disabled");
    assert_eq!(disabled, before);
    assert_eq!(endpoint.requests().len(), exports, "nothing is exported");
    (before, own)
}

fn child(calls: usize, program: impl Fn(bool) -> Option<Telemetry>) {
    io::stdout().write_all(START.as_bytes()).unwrap();
    let version = env::var(VERSION).unwrap();
    let telemetry = program(version != "before");
    // A program may compute what a line contains only if the line is written. The macro says `true` for each layer that has a filter
    // of tracing-subscriber, as that of tracing-opentelemetry here.
    let has_details = !is_tracing_opentelemetry()
        && tracing::event_enabled!(target: "shop", tracing::Level::DEBUG);
    let details = format!("details: {has_details}\n");
    io::stdout().write_all(details.as_bytes()).unwrap();
    let counts = telemetry.map(|telemetry| telemetry.shutdown());
    match version.as_str() {
        "before" => assert!(counts.is_none()),
        "disabled" => assert_eq!(counts, Some(None)),
        _ => {
            let counts = counts.flatten().unwrap();
            assert_eq!(counts.exported, 2 * calls as u64, "{counts:?}");
            assert_eq!(counts.dropped + counts.lost + counts.waiting, 0);
        }
    }
}

/// Returns the lines of the application, and the other lines: those of otel-setup, and from DEBUG on those of the exporter's HTTP
/// client.
fn lines(output: &Output, file: &str) -> (Lines, Vec<String>) {
    let others = ["otel_setup", "hyper_util::", "reqwest::"];
    let mut own = Vec::new();
    let mut of_application = |text: &str| {
        let lines = text.lines().map(str::to_owned);
        let (ours, theirs): (Vec<_>, Vec<_>) =
            lines.partition(|line| others.iter().any(|it| line.contains(it)));
        own.extend(ours);
        theirs
    };
    let (_, stdout) = output.stdout.split_once(START).unwrap();
    let (stdout, details) = stdout.split_once("details: ").unwrap();
    let lines = Lines {
        stdout: of_application(stdout),
        stderr: of_application(&output.stderr),
        file: of_application(file),
        details: details.lines().next().unwrap().to_owned(),
    };
    (lines, own)
}

/// What the programs do.
pub(crate) fn work() {
    tracing::info!(target: "shop", "ready");
    tracing::info_span!(target: "shop", "order", id = 7, total = field::Empty).in_scope(|| {
        tracing::debug!(target: "shop", rows = 3, "loaded");
        tracing::debug_span!(target: "shop", "query", table = "orders")
            .in_scope(|| tracing::info!(target: "shop::db", "found"));
        tracing::Span::current().record("total", 250);
        let pay = tracing::info_span!(target: "shop", "pay", currency = "EUR");
        let on_thread = pay.clone();
        thread::spawn(move || {
            on_thread.in_scope(|| tracing::warn!(target: "shop", attempts = 2, "slow"));
        })
        .join()
        .unwrap();
        pay.in_scope(|| log::info!(target: "legacy::db", "a record of the log crate"));
    });
    tracing::debug!(target: "tower_http::trace", "finished");
    tracing::trace!(target: "axum::rejection", "rejected");
    log::debug!(target: "legacy::db", "a detail");
    tracing::error!(target: "other", "failed");
}
