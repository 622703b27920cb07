//! The programs of a chain: installed or built, and ready to start.

use std::path::PathBuf;
use std::process::Command;

use super::theirs::Theirs;
use crate::cargo::{build_programs, root};
use crate::metadata::target;
use crate::{service, tools};

pub(crate) struct Programs {
    ours: PathBuf,
    /// The virtual environment.
    python: PathBuf,
    /// Where `node_modules` lies.
    node: PathBuf,
}

impl Programs {
    pub(crate) fn install() -> anyhow::Result<Self> {
        let folder = target()?.join("interop");
        let (python, node) = (folder.join("python"), folder.join("node"));
        tools::python(&sources().join("python/requirements.txt"), &python)?;
        tools::node(&sources().join("node"), &node)?;
        let programs = build_programs(&["--package", "otel-examples", "--bins"])?;
        let ours = service::program(&programs, "relay")?.to_owned();
        Ok(Self { ours, python, node })
    }

    /// Creates the command of our service. Its log lines come as JSON on standard output.
    pub(crate) fn ours(&self, span_layer: &str, endpoint: &str) -> Command {
        let mut command = service::command(&self.ours, endpoint);
        command.env("OTEL_TESTKIT_SPAN_LAYER", span_layer);
        command
    }

    pub(crate) fn theirs(&self, theirs: Theirs, endpoint: &str) -> Command {
        let mut command = if theirs.is_python() {
            self.python(theirs, endpoint)
        } else {
            self.node(theirs, endpoint)
        };
        command
            .env("OTEL_TRACES_EXPORTER", "otlp")
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        command
    }

    /// Its log lines come as OTLP.
    fn python(&self, theirs: Theirs, endpoint: &str) -> Command {
        let bin = self.python.join("bin");
        let program = format!("python/{}_relay.py", theirs.name());
        let mut command = service::command(bin.join("opentelemetry-instrument"), endpoint);
        command
            .arg(bin.join("python"))
            .arg(sources().join(program))
            .env("OTEL_LOGS_EXPORTER", "otlp");
        command
    }

    /// Its log lines come as JSON on standard output, as ours do.
    fn node(&self, theirs: Theirs, endpoint: &str) -> Command {
        let program = format!("node/{}_relay.js", theirs.name());
        let mut command = service::command("node", endpoint);
        command
            .arg(sources().join(program))
            .env("NODE_PATH", self.node.join("node_modules"))
            .env("OTEL_LOGS_EXPORTER", "none");
        command
    }
}

fn sources() -> PathBuf {
    root().join("xtask/interop")
}
