//! The packages, as cargo describes them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::cargo::{cargo, root};

#[derive(Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
    pub(crate) target_directory: PathBuf,
    workspace_members: BTreeSet<String>,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) rust_version: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    targets: Vec<Target>,
    /// `[package.metadata]`
    metadata: Option<Tables>,
    /// Empty if the package is not published.
    publish: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) uses_default_features: bool,
    path: Option<PathBuf>,
    req: String,
}

#[derive(Deserialize)]
struct Tables {
    #[serde(default)]
    tidy: TidyTable,
}

/// `[package.metadata.tidy]`
#[derive(Default, Deserialize)]
struct TidyTable {
    #[serde(default, rename = "foreign-types")]
    foreign_types: Vec<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    src_path: PathBuf,
}

impl Metadata {
    /// Reads about the workspace's own packages.
    pub(crate) fn read() -> anyhow::Result<Self> {
        Self::read_in(&root(), &["--no-deps"])
    }

    /// Reads about the workspace's own packages and all that they may depend on.
    pub(crate) fn read_all() -> anyhow::Result<Self> {
        Self::read_in(&root(), &[])
    }

    /// Reads about the workspace in this folder.
    pub(crate) fn read_in(folder: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = cargo(&["metadata", "--format-version=1", "--locked"]);
        command.args(arguments).current_dir(folder);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start {command:?}"))?;
        if !output.status.success() {
            bail!("{command:?} failed: {}", output.status);
        }
        serde_json::from_slice(&output.stdout)
            .context("the output of cargo metadata has an unexpected form")
    }

    /// A cargo command at the root of this workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo(arguments);
        command.current_dir(&self.workspace_root);
        command
    }

    pub(crate) fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The members that are published.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Package> {
        self.members().filter(|package| package.publish.is_none())
    }
}

impl Package {
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }

    /// The types of other crates that public signatures may name: `foreign-types` in `[package.metadata.tidy]`.
    pub(crate) fn foreign_types(&self) -> &[String] {
        let tables = self.metadata.as_ref();
        tables.map_or(&[], |tables| &tables.tidy.foreign_types)
    }

    pub(crate) fn has_library(&self) -> bool {
        self.targets
            .iter()
            .any(|target| target.kind.iter().any(|kind| kind == "lib"))
    }

    /// The name of the library in code.
    pub(crate) fn crate_name(&self) -> String {
        self.name.replace('-', "_")
    }

    /// The root files of the library, the programs, the examples and the integration tests.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Path> {
        let targets = self.targets.iter();
        let targets = targets.filter(|target| target.kind != ["custom-build"]);
        targets.map(|target| &*target.src_path)
    }
}

impl Dependency {
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }

    pub(crate) fn is_member(&self) -> bool {
        self.path.is_some()
    }

    /// Returns false for a dependency that only has a path.
    pub(crate) fn has_version(&self) -> bool {
        self.req != "*"
    }
}
