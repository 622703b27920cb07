//! The libraries build with the oldest versions that their manifests allow.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::cargo::{cargo, output, root, run};
use crate::metadata::target;

/// Builds the libraries with the oldest allowed version of each direct dependency.
///
/// This needs another lock file, so the libraries are built in a copy of the workspace. The resolver option is unstable.
pub(crate) fn check() -> anyhow::Result<()> {
    let folder = target()?.join("minimal");
    let copy = folder.join("workspace");
    copy_sources(&copy)?;
    let mut resolve = cargo(&["generate-lockfile", "--quiet"]);
    resolve.args(["-Z", "direct-minimal-versions"]);
    run(resolve.current_dir(&copy).env("RUSTC_BOOTSTRAP", "1"))?;
    let mut check = cargo(&["check", "--quiet", "--workspace", "--lib", "--all-features"]);
    run(check
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", folder.join("target")))
}

/// Copies the files that git tracks, and new ones that it does not ignore. Each keeps its time, so that cargo only builds what
/// has changed.
fn copy_sources(copy: &Path) -> anyhow::Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others"])
        .arg("--exclude-standard")
        .current_dir(root());
    for name in output(&mut list)?.split_terminator('\0') {
        let (from, to) = (root().join(name), copy.join(name));
        // A deleted file is in the list until the deletion is committed.
        if name.ends_with("Cargo.lock") || !from.is_file() {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(&from, &to).with_context(|| format!("cannot copy {name}"))?;
        let written = from.metadata()?.modified()?;
        File::options()
            .write(true)
            .open(&to)?
            .set_modified(written)?;
    }
    Ok(())
}
