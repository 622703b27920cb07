//! What cargo knows of the packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::cargo::cargo;

#[derive(Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
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
    /// An empty list where the package is not to be published.
    publish: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) uses_default_features: bool,
    path: Option<PathBuf>,
}

impl Metadata {
    /// Of the workspace's own packages.
    pub(crate) fn read() -> anyhow::Result<Self> {
        Self::read_with(&["--no-deps"])
    }

    /// The same, and of all that they may depend on.
    pub(crate) fn read_all() -> anyhow::Result<Self> {
        Self::read_with(&[])
    }

    fn read_with(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut command = cargo(&["metadata", "--format-version=1", "--locked"]);
        command.args(arguments);
        let output = command
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start {command:?}"))?;
        if !output.status.success() {
            bail!("{command:?} failed: {}", output.status);
        }
        serde_json::from_slice(&output.stdout)
            .context("cargo metadata has another form than expected")
    }

    pub(crate) fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter()
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        let is_member = |package: &&Package| self.workspace_members.contains(&package.id);
        self.packages.iter().filter(is_member)
    }

    /// The members that others depend on.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Package> {
        self.members().filter(|package| package.publish.is_none())
    }
}

impl Package {
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }
}

impl Dependency {
    pub(crate) fn is_dev(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }

    pub(crate) fn is_member(&self) -> bool {
        self.path.is_some()
    }
}
