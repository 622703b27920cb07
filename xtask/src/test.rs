//! `cargo xtask test`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::ensure;
use serde_json::Value;

use crate::cargo::{cargo, output, run};
use crate::tools;

/// Chooses the span layer of a recorder, and of the tests with their own subscriber.
const SPAN_LAYER: &str = "OTEL_TESTKIT_SPAN_LAYER";

/// The test files that make `tracing` spans, in all packages. They run again with tracing-opentelemetry's layer.
const WITH_SPANS: [&str; 28] = [
    // otel-core
    "task_boundaries",
    "task_global_subscriber",
    "task_hand_off",
    "trace_id",
    // otel-log
    "carried",
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
    "span_outside_context",
    // otel-setup
    "init",
    "last_values",
    "log_crate",
    "logs",
    "propagation",
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
    if has_nextest() {
        // No test may lose context: each recorder looks for it. That takes a process for each test, as nextest has it.
        run(test(&["nextest", "run"]).env("OTEL_RUST_CONTEXT_LOSS_DETECTION", "true"))?;
    } else {
        run(&mut test(&["test", "--all-targets"]))?;
    }
    run_with_tracing_opentelemetry()
}

fn run_with_tracing_opentelemetry() -> anyhow::Result<()> {
    // The same build as before. If cargo is given the names of the test files, it compiles most packages again.
    let mut build = test(&["test", "--all-targets", "--no-run"]);
    build.arg("--message-format=json-render-diagnostics");
    let messages = output(&mut build)?;
    let programs: Vec<_> = messages.lines().filter_map(test_program).collect();
    for name in WITH_SPANS {
        let mut named = programs.iter().filter(|program| program.name == name);
        ensure!(named.any(|_| true), "there is no test file {name}");
    }
    for program in programs {
        if WITH_SPANS.contains(&program.name.as_str()) {
            let (name, folder) = (&program.name, program.package.display());
            eprintln!("\n{name} in {folder}, with the layer of tracing-opentelemetry");
            // One test after the other, since losses are counted per process.
            run(Command::new(&program.path)
                .args(["--quiet", "--test-threads=1"])
                .current_dir(&program.package)
                .env(SPAN_LAYER, "tracing-opentelemetry")
                .env("OTEL_RUST_CONTEXT_LOSS_DETECTION", "true"))?;
        }
    }
    Ok(())
}

/// A test file that cargo has built.
struct TestProgram {
    name: String,
    path: PathBuf,
    /// The folder of its package.
    package: PathBuf,
}

/// Reads a message of cargo. Returns `None` if it is not about a test file.
fn test_program(message: &str) -> Option<TestProgram> {
    let message: Value = serde_json::from_str(message).ok()?;
    let target = message.get("target")?;
    if target.get("kind")?.get(0)? != "test" {
        return None;
    }
    let manifest = Path::new(message.get("manifest_path")?.as_str()?);
    Some(TestProgram {
        name: target.get("name")?.as_str()?.to_owned(),
        path: message.get("executable")?.as_str()?.into(),
        package: manifest.parent()?.to_owned(),
    })
}

/// Over the whole workspace.
fn test(arguments: &[&str]) -> Command {
    let mut command = cargo(arguments);
    command.args(["--workspace", "--all-features"]);
    command.env_remove(SPAN_LAYER);
    command
}

fn has_nextest() -> bool {
    cargo(&["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
