//! `cargo xtask tools`: what tests need beside Rust: a browser.

use std::env;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::cargo::run;

/// Any of these serves.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Installs what is missing; does nothing where all is there.
pub(crate) fn install() -> anyhow::Result<()> {
    browser()
}

/// The tests of the web page run in it.
fn browser() -> anyhow::Result<()> {
    if BROWSERS.iter().any(|name| is_installed(name)) {
        return Ok(());
    }
    if !is_installed("apt-get") {
        bail!("the tests of the web page need Chromium or Chrome in the PATH; install one");
    }
    eprintln!("installing Chromium, for the tests of the web page");
    let install = || {
        run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
        run(Command::new("apt-get")
            .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
            .arg("chromium")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(Stdio::null()))
    };
    install().context("install Chromium by hand: `apt-get install chromium` as root")
}

fn is_installed(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
