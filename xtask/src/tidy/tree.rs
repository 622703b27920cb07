//! The dependencies of packages, from `cargo tree`. `cargo metadata` would include those of tests.

use std::process::Stdio;

use anyhow::{Context as _, bail};

use crate::cargo::cargo;
use crate::metadata::Package;

/// Lists these packages and all of their dependencies on all platforms, each once, as lines of this format.
pub(super) fn packages<'p>(
    of: impl IntoIterator<Item = &'p Package>,
    features: &[&str],
    format: &str,
) -> anyhow::Result<Vec<String>> {
    let mut command = cargo(&["tree", "--locked", "--edges=normal,build", "--target=all"]);
    command
        .args(["--prefix=none", "--format", format])
        .args(features);
    for package in of {
        command.args(["--package", &package.name]);
    }
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", output.status);
    }
    let lines = String::from_utf8(output.stdout).context("cargo tree printed invalid UTF-8")?;
    // `(*)` marks a package that `cargo tree` has already shown.
    let lines = lines
        .lines()
        .filter(|line| !line.is_empty() && !line.ends_with("(*)"));
    Ok(lines.map(str::to_owned).collect())
}

/// Reads a package as cargo prints it: `name v1.2.3 (place)`.
pub(super) fn name_and_version(package: &str) -> anyhow::Result<(String, String)> {
    let mut words = package.split(' ');
    match (words.next(), words.next()) {
        (Some(name), Some(version)) => {
            let version = version.trim_start_matches('v');
            Ok((name.to_owned(), version.to_owned()))
        }
        _ => bail!("cargo tree printed {package:?} instead of a package and its version"),
    }
}
