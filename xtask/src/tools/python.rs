//! Packages for Python, in a virtual environment.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use super::apt;
use crate::cargo::run;

/// Installs the packages of a list into a folder, again if the list has changed.
pub(crate) fn install(list: &Path, folder: &Path) -> anyhow::Result<()> {
    let wanted = fs::read_to_string(list).with_context(|| format!("{}", list.display()))?;
    // Written last, so that an incomplete installation is repeated.
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("installing OpenTelemetry for Python, for services in another language");
    if make_environment(folder).is_err() {
        apt::install(&["python3", "python3-venv"], "services in Python")?;
        make_environment(folder)?;
    }
    run(Command::new(folder.join("bin/pip"))
        .args(["install", "--quiet", "--requirement"])
        .arg(list))?;
    Ok(fs::write(&installed, &wanted)?)
}

fn make_environment(folder: &Path) -> anyhow::Result<()> {
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(folder))
}
