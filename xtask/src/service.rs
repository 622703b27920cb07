//! Services that run as separate processes.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use otel_testkit::{LogLine, Process};

/// A running service, and the URL that it listens on.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) url: String,
    process: Process,
}

impl Service {
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        limit: Duration,
    ) -> anyhow::Result<Self> {
        let process =
            Process::start(name, command).with_context(|| format!("cannot start {name}"))?;
        let url = process.wait_for_stderr(limit, |line| {
            let (_, url) = line.split_once(" listening on ")?;
            Some(url.to_owned())
        })?;
        Ok(Self { name, url, process })
    }

    /// Ends the service, which first exports what it has not exported yet. Returns its log lines, each with its name.
    pub(crate) fn stop(mut self, limit: Duration) -> anyhow::Result<Vec<(String, LogLine)>> {
        let status = self.process.terminate(limit)?;
        ensure!(status.success(), "{} ended with {status}", self.name);
        let lines = self.process.logs().into_iter();
        Ok(lines.map(|line| (self.name.to_owned(), line)).collect())
    }
}

/// Finds a program among those that were built.
pub(crate) fn program<'a>(programs: &'a [PathBuf], name: &str) -> anyhow::Result<&'a Path> {
    let mut programs = programs.iter().map(PathBuf::as_path);
    let found = programs.find(|program| program.file_stem().is_some_and(|stem| stem == name));
    found.with_context(|| format!("otel-examples has no program {name}"))
}

/// Creates the command of a service that exports only its spans, to an OTLP endpoint.
pub(crate) fn command(program: impl AsRef<OsStr>, endpoint: &str) -> Command {
    let mut command = Command::new(program);
    remove_settings(&mut command);
    command
        .env("LISTEN", "127.0.0.1:0")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        // Jaeger accepts only traces.
        .env("OTEL_METRICS_EXPORTER", "none")
        // By default a batch waits up to 5 seconds.
        .env("OTEL_BSP_SCHEDULE_DELAY", "100");
    command
}

/// Removes the settings for the caller's own services from a command's environment.
pub(crate) fn remove_settings(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
}
