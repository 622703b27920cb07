//! Debian's packages.

use std::env;
use std::process::{Command, Stdio};

use crate::cargo::run;

pub(crate) fn is_there() -> bool {
    is_installed("apt-get")
}

pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
    run(Command::new("apt-get")
        .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null()))
}

pub(crate) fn is_installed(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
