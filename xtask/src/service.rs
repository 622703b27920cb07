//! Services in processes of their own.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use otel_testkit::Process;

/// Finds a program among those that were built.
pub(crate) fn program<'a>(programs: &'a [PathBuf], name: &str) -> anyhow::Result<&'a Path> {
    let found = programs
        .iter()
        .find(|program| program.file_stem().is_some_and(|stem| stem == name));
    let found = found.ok_or_else(|| anyhow!("otel-examples has no program {name}"))?;
    Ok(found)
}

/// A service that exports its spans, and nothing else, to an OTLP endpoint.
pub(crate) fn command(program: impl AsRef<OsStr>, endpoint: &str) -> Command {
    let mut command = Command::new(program);
    // The caller's own settings are for the caller's own services.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            command.env_remove(name);
        }
    }
    command
        .env_remove("RUST_LOG")
        .env("LISTEN", "127.0.0.1:0")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        // Jaeger takes traces alone.
        .env("OTEL_METRICS_EXPORTER", "none")
        // No one wants to wait the usual 5 seconds for a batch to fill.
        .env("OTEL_BSP_SCHEDULE_DELAY", "100");
    command
}

/// Starts it, and returns its URL as well once it listens there.
pub(crate) fn start(
    name: &str,
    command: &mut Command,
    limit: Duration,
) -> anyhow::Result<(Process, String)> {
    let process = Process::start(name, command).with_context(|| format!("cannot start {name}"))?;
    let url = process.wait_for_stderr(limit, |line| {
        let (_, url) = line.split_once(" listening on ")?;
        Some(url.to_owned())
    })?;
    Ok((process, url))
}
