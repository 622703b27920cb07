//! `cargo xtask test`.

use std::process::Stdio;

use crate::cargo::{cargo, run};
use crate::tools;

/// The examples in the docs first, so that the runner's own closing lines are the last that is printed.
pub(crate) fn run_all() -> anyhow::Result<()> {
    tools::install()?;
    run(&mut cargo(&[
        "test",
        "--workspace",
        "--all-features",
        "--doc",
    ]))?;
    if has_nextest() {
        run(&mut cargo(&[
            "nextest",
            "run",
            "--workspace",
            "--all-features",
        ]))
    } else {
        run(&mut cargo(&[
            "test",
            "--workspace",
            "--all-features",
            "--all-targets",
        ]))
    }
}

fn has_nextest() -> bool {
    cargo(&["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
