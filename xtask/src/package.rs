//! `cargo xtask package`: the published crates as users download them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use cargo_metadata::Package;

use crate::cargo::{cargo, root, run};
use crate::metadata;

/// The package that is built, with those that it depends on.
const BUILT: &str = "otel-reqwest";

const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// Packages every published crate and builds one of them from its package.
///
/// `cargo package` can build packages too. But it unpacks the packages that others depend on only once for each version, so it
/// would build against their first form. Here they are unpacked anew each time.
pub(crate) fn run_all() -> anyhow::Result<()> {
    let metadata = metadata::read()?;
    let packages: Vec<_> = metadata::libraries(&metadata).collect();
    let folder = metadata
        .target_directory
        .join("packages")
        .into_std_path_buf();
    let mut package = cargo(&["package", "--quiet", "--no-verify", "--no-metadata"]);
    package.args(["--allow-dirty", "--target-dir"]).arg(&folder);
    for library in &packages {
        package.args(["--package", &library.name]);
    }
    run(&mut package)?;
    let unpacked = folder.join("unpacked");
    if unpacked.exists() {
        fs::remove_dir_all(&unpacked)?;
    }
    fs::create_dir_all(&unpacked)?;
    for package in &packages {
        unpack(package, &folder.join("package"), &unpacked)?;
    }
    build(&packages, &unpacked, &folder)
}

fn unpack(package: &Package, from: &Path, to: &Path) -> anyhow::Result<()> {
    let name = folder_name(package);
    let archive = from.join(format!("{name}.crate"));
    let mut tar = Command::new("tar");
    // Packed files have the same old time in every package. Without `-m`, cargo would not notice changes.
    tar.arg("-xzmf").arg(&archive).arg("-C").arg(to);
    run(&mut tar)?;
    for licence in LICENCES {
        ensure!(
            to.join(&name).join(licence).is_file(),
            "{} has no {licence} in its package; add a symbolic link to the file at the root of the repository",
            package.name
        );
    }
    Ok(())
}

/// Builds in a workspace that has packages only.
fn build(packages: &[&Package], unpacked: &Path, target: &Path) -> anyhow::Result<()> {
    let built = packages.iter().find(|package| package.name == BUILT);
    let built = built.with_context(|| format!("{BUILT} is not a published crate"))?;
    let member = folder_name(built);
    let mut manifest =
        format!("[workspace]\nresolver = \"3\"\nmembers = [{member:?}]\n\n[patch.crates-io]\n");
    for package in packages {
        let path = folder_name(package);
        manifest.push_str(&format!("{} = {{ path = {path:?} }}\n", package.name));
    }
    fs::write(unpacked.join("Cargo.toml"), manifest)?;
    // The versions that everything else is tested with.
    fs::copy(root().join("Cargo.lock"), unpacked.join("Cargo.lock"))?;
    let mut build = cargo(&["build", "--quiet", "--package", BUILT]);
    run(build.current_dir(unpacked).env("CARGO_TARGET_DIR", target))
}

/// The name of the only folder in a package.
fn folder_name(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}
