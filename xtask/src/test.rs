//! `cargo xtask test`.

use std::process::{Command, Stdio};

use crate::cargo::{cargo, run};
use crate::tools;

/// The examples in the docs first, so that the runner's own closing lines are the last that is printed.
pub(crate) fn run_all() -> anyhow::Result<()> {
    tools::install()?;
    run(&mut test(&["test", "--doc"]))?;
    if has_nextest() {
        // No test may lose context: each recorder looks for it. That takes a process for each test, as nextest has it.
        run(test(&["nextest", "run"]).env("OTEL_RUST_CONTEXT_LOSS_DETECTION", "true"))
    } else {
        run(&mut test(&["test", "--all-targets"]))
    }
}

/// Over the whole workspace.
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
