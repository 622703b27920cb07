//! `cargo xtask test`.

use std::process::{Command, Stdio};

use crate::cargo::{cargo, run};
use crate::tools;

/// Chooses the span layer of a recorder, and of the tests with their own subscriber.
const SPAN_LAYER: &str = "OTEL_TESTKIT_SPAN_LAYER";

/// The test files that make `tracing` spans, in all packages. They run once more with tracing-opentelemetry's layer.
const WITH_SPANS: [&str; 23] = [
    // otel-core
    "task_boundaries",
    "task_global_subscriber",
    "task_hand_off",
    // otel-log
    "global",
    "ids",
    "records",
    "starting_spans",
    "trees",
    // otel-tower and otel-reqwest
    "canary",
    "client",
    "grpc",
    "random_endings",
    "server",
    // otel-setup
    "init",
    "log_crate",
    "logs",
    "secrets",
    "span_events",
    // examples
    "log_records",
    "retries",
    "trace_context",
    "whole_trace",
    // several packages
    "context_loss",
];

/// The examples in the docs first, so that the runner's own closing lines are the last that is printed.
pub(crate) fn run_all() -> anyhow::Result<()> {
    tools::install()?;
    run(&mut test(&["test", "--doc"]))?;
    run(&mut all())?;
    eprintln!("\n== the tests that make spans, with the layer of tracing-opentelemetry");
    run(&mut with_tracing_opentelemetry())
}

fn all() -> Command {
    let mut command = runner();
    if !has_nextest() {
        command.arg("--all-targets");
    }
    command.env_remove(SPAN_LAYER);
    command
}

fn with_tracing_opentelemetry() -> Command {
    let mut command = runner();
    for name in WITH_SPANS {
        command.args(["--test", name]);
    }
    command.env(SPAN_LAYER, "tracing-opentelemetry");
    command
}

fn runner() -> Command {
    if has_nextest() {
        let mut command = test(&["nextest", "run"]);
        // No test may lose context: each recorder looks for it. That takes a process for each test, as nextest has it.
        command.env("OTEL_RUST_CONTEXT_LOSS_DETECTION", "true");
        command
    } else {
        test(&["test"])
    }
}

/// Over the whole workspace. Both runs have the same packages and features, so that the second run compiles nothing.
fn test(arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.args(["--workspace", "--all-features"]);
    command
}

fn has_nextest() -> bool {
    cargo(&["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
