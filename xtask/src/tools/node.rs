//! Packages for Node.js.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use super::apt;
use crate::cargo::run;

/// The files that determine what is installed.
const LISTS: [&str; 3] = ["package.json", "package-lock.json", ".npmrc"];

/// Installs the packages in the lists of one folder into another folder, again if a list has changed.
pub(crate) fn install(lists: &Path, folder: &Path) -> anyhow::Result<()> {
    let mut wanted = String::new();
    for name in LISTS {
        let list = lists.join(name);
        wanted += &fs::read_to_string(&list).with_context(|| format!("{}", list.display()))?;
    }
    // Written last, and removed first by `npm ci`, so that an incomplete installation is repeated.
    let installed = folder.join("node_modules/installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    eprintln!("installing OpenTelemetry for Node.js, for services in another language");
    if !["node", "npm"].into_iter().all(apt::is_installed) {
        apt::install(&["nodejs", "npm"], "services in JavaScript")?;
    }
    fs::create_dir_all(folder)?;
    for name in LISTS {
        fs::copy(lists.join(name), folder.join(name))?;
    }
    run(Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder))?;
    Ok(fs::write(&installed, &wanted)?)
}
