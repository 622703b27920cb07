//! `cargo xtask tools`: what tests need beside Rust: a browser, and OpenTelemetry for Python.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context as _, bail};

use crate::cargo::{root, run, target};

/// Any of these serves.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Installs what is missing; does nothing where all is there.
pub(crate) fn install() -> anyhow::Result<()> {
    browser()?;
    python()
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
    apt_get(&["chromium"]).context("install Chromium by hand: `apt-get install chromium` as root")
}

/// The tests of services in another language run with it; made anew when the list of packages changes.
fn python() -> anyhow::Result<()> {
    let wanted = root().join("otel-testkit/tests/python/requirements.txt");
    let wanted = fs::read_to_string(&wanted).with_context(|| format!("{}", wanted.display()))?;
    let folder = target()?.join("python");
    // Written last, so a half-made environment is made anew.
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("installing OpenTelemetry for Python, for the tests of services in another language");
    if make_environment(&folder).is_err() {
        if !is_installed("apt-get") {
            bail!("these tests need python3 with venv in the PATH; install it");
        }
        apt_get(&["python3", "python3-venv"])
            .context("install Python by hand: `apt-get install python3 python3-venv` as root")?;
        make_environment(&folder)?;
    }
    let list = folder.join("requirements.txt");
    fs::write(&list, &wanted)?;
    run(Command::new(folder.join("bin/pip"))
        .args(["install", "--quiet", "--requirement"])
        .arg(&list))?;
    Ok(fs::write(&installed, &wanted)?)
}

fn make_environment(folder: &Path) -> anyhow::Result<()> {
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(folder))
}

fn apt_get(packages: &[&str]) -> anyhow::Result<()> {
    run(Command::new("apt-get").args(["update", "--quiet=2"]))?;
    run(Command::new("apt-get")
        .args(["install", "--yes", "--quiet=2", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(Stdio::null()))
}

fn is_installed(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
