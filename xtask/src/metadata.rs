//! The packages, as cargo describes them.

use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::cargo::root;

/// Reads the packages of this workspace, without their dependencies.
pub(crate) fn read() -> cargo_metadata::Result<Metadata> {
    read_in(&root())
}

/// Reads the packages of the workspace in this folder.
pub(crate) fn read_in(folder: &Path) -> cargo_metadata::Result<Metadata> {
    command(folder).no_deps().exec()
}

/// Reads the packages of this workspace and all of their dependencies.
pub(crate) fn read_all() -> cargo_metadata::Result<Metadata> {
    command(&root()).exec()
}

fn command(folder: &Path) -> MetadataCommand {
    let mut command = MetadataCommand::new();
    command.current_dir(folder);
    command.other_options(["--locked".to_owned()]);
    command
}

/// The folder for build output.
pub(crate) fn target() -> cargo_metadata::Result<PathBuf> {
    Ok(read()?.target_directory.into())
}

/// The packages that are published.
pub(crate) fn libraries(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    let members = metadata.workspace_packages().into_iter();
    members.filter(|package| package.publish.is_none())
}

pub(crate) fn folder(package: &Package) -> &Path {
    let manifest = package.manifest_path.as_std_path();
    manifest.parent().unwrap_or(manifest)
}
