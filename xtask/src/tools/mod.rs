//! `cargo xtask tools`: the programs that tests need in addition to Rust: a browser, and OpenTelemetry for Python.

mod apt;
mod node;
mod python;

pub(crate) use self::node::install as node;
pub(crate) use self::python::install as python;
use crate::cargo::root;
use crate::metadata::target;

/// The tests need one of these programs.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Installs the programs that are missing.
pub(crate) fn install() -> anyhow::Result<()> {
    browser()?;
    // For the tests of services in another language.
    let list = root().join("crates/otel-probe/tests/python/requirements.txt");
    python(&list, &target()?.join("python"))
}

/// Installs the browser for the tests of the web page.
fn browser() -> anyhow::Result<()> {
    if BROWSERS.iter().any(|name| apt::is_installed(name)) {
        return Ok(());
    }
    eprintln!("installing Chromium, for the tests of the web page");
    apt::install(&["chromium"], "the tests of the web page")
}
