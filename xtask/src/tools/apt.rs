//! Debian's packages.

use std::env;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::cargo::run;

/// Installs packages, which these programs or tests need.
pub(crate) fn install(packages: &[&str], needed_for: &str) -> anyhow::Result<()> {
    let names = packages.join(" ");
    ensure!(
        is_installed("apt-get"),
        "{needed_for} need {names}; install what these packages of Debian contain"
    );
    run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
    run(Command::new("apt-get")
        .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null()))
    .with_context(|| format!("install {names} by hand: `apt-get install {names}` as root"))
}

pub(crate) fn is_installed(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
