//! The oldest versions that the manifests allow are ones that the libraries build with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::cargo::{cargo, root, run, target};

/// Builds the libraries with each of their own dependencies as old as its manifest says.
///
/// In a copy of the workspace, since that takes a lock file of its own. Resolving so is not stable in cargo yet.
pub(crate) fn check() -> anyhow::Result<()> {
    let copy = target()?.join("minimal");
    copy_sources(&copy)?;
    let mut resolve = cargo(&[
        "generate-lockfile",
        "--quiet",
        "-Z",
        "direct-minimal-versions",
    ]);
    run(resolve.current_dir(&copy).env("RUSTC_BOOTSTRAP", "1"))?;
    let mut check = cargo(&["check", "--quiet", "--workspace", "--lib", "--all-features"]);
    run(check
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", copy.join("target")))
}

/// What git tracks, and what it would.
fn copy_sources(copy: &Path) -> anyhow::Result<()> {
    let sources = sources()?;
    remove_others(copy, copy, &sources)?;
    for file in sources {
        let (from, to) = (root().join(&file), copy.join(&file));
        // A file may have been deleted and not yet been committed.
        if !from.is_file() {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = fs::read(&from)?;
        // An unchanged file keeps its time, so that what was built of it is still good.
        if fs::read(&to).ok().as_ref() != Some(&text) {
            fs::write(&to, text).with_context(|| format!("cannot write {}", to.display()))?;
        }
    }
    Ok(())
}

/// What has been moved away since the last time must not stand beside what it has become.
fn remove_others(copy: &Path, folder: &Path, sources: &BTreeSet<PathBuf>) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.strip_prefix(copy)?;
        if path.is_dir() {
            if name != Path::new("target") {
                remove_others(copy, &path, sources)?;
            }
        } else if name.file_name().is_some_and(|name| name != "Cargo.lock")
            && !sources.contains(name)
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn sources() -> anyhow::Result<BTreeSet<PathBuf>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start git")?;
    if !output.status.success() {
        bail!("git cannot list the files: {}", output.status);
    }
    let names = String::from_utf8(output.stdout).context("a file's name is not valid UTF-8")?;
    let names = names.split('\0').filter(|name| !name.is_empty());
    Ok(names
        .map(PathBuf::from)
        .filter(|name| name.file_name().is_none_or(|name| name != "Cargo.lock"))
        .collect())
}
