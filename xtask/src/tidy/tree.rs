//! The dependencies of packages, from `cargo tree`. `cargo metadata` would include those of tests.

use anyhow::Context as _;
use cargo_metadata::Package;
use cargo_metadata::semver::Version;

use crate::cargo::{cargo, output};

pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) version: Version,
    pub(super) licence: String,
}

/// Lists these packages and all of their dependencies on all platforms.
pub(super) fn dependencies<'p>(
    of: impl IntoIterator<Item = &'p Package>,
    features: &[&str],
) -> anyhow::Result<Vec<Dependency>> {
    let mut tree = cargo(&["tree", "--locked", "--edges=normal,build", "--target=all"]);
    tree.args(["--prefix=none", "--format={p}|{l}"])
        .args(features);
    for package in of {
        tree.args(["--package", &package.name]);
    }
    let lines = output(&mut tree)?;
    // `(*)` marks a package that `cargo tree` has already shown.
    let lines = lines
        .lines()
        .filter(|line| !line.is_empty() && !line.ends_with("(*)"));
    lines
        .map(|line| {
            read(line).with_context(|| format!("cargo tree printed {line:?} instead of a package"))
        })
        .collect()
}

/// Reads a package and its licence: `name v1.2.3 (place)|MIT`.
fn read(line: &str) -> Option<Dependency> {
    let (package, licence) = line.split_once('|')?;
    let (name, version) = package.split_once(" v")?;
    let version = version.split(' ').next()?;
    Some(Dependency {
        name: name.to_owned(),
        version: version.parse().ok()?,
        licence: licence.to_owned(),
    })
}
