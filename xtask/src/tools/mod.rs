//! `cargo xtask tools`: what tests need beside Rust: a browser, and OpenTelemetry for Python.

mod apt;
mod node;
mod python;

pub(crate) use self::node::install as node;
pub(crate) use self::python::install as python;
use crate::cargo::root;
use crate::metadata::target;

/// Any of these serves.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Installs what is missing; does nothing where all is there.
pub(crate) fn install() -> anyhow::Result<()> {
    browser()?;
    // The tests of services in another language run with it.
    let list = root().join("crates/otel-probe/tests/python/requirements.txt");
    python(&list, &target()?.join("python"))
}

/// The tests of the web page run in it.
fn browser() -> anyhow::Result<()> {
    if BROWSERS.iter().any(|name| apt::is_installed(name)) {
        return Ok(());
    }
    eprintln!("installing Chromium, for the tests of the web page");
    apt::install(&["chromium"], "the tests of the web page")
}
