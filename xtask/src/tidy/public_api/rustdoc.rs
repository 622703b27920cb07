//! rustdoc's output in JSON.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use cargo_metadata::{Metadata, Package};
use serde::Deserialize;
use serde_json::Value;

use crate::cargo::{cargo, run};

/// The formats that this check has been tried with: 57 is that of Rust 1.95.
///
/// The format is not stable. For a new number, read the changes in the source of `rustdoc-types`, run the unit tests of
/// `tidy::public_api` and add the number.
const FORMATS: [u32; 1] = [57];

pub(super) type Id = u32;

/// Runs rustdoc.
pub(super) struct Builder<'m> {
    metadata: &'m Metadata,
    folder: PathBuf,
}

/// Chooses the features of the packages.
#[derive(Clone, Copy)]
pub(super) enum Features<'f> {
    All,
    Default,
    DefaultAnd(&'f str),
}

/// Describes a crate, without items that are private or hidden.
#[derive(Deserialize)]
pub(super) struct Documentation {
    pub(super) root: Id,
    index: HashMap<Id, Item>,
    paths: HashMap<Id, Summary>,
}

#[derive(Deserialize)]
pub(super) struct Item {
    crate_id: u32,
    pub(super) name: Option<String>,
    visibility: Value,
    span: Option<Span>,
    /// One entry: the kind of the item, and all that belongs to this kind.
    inner: HashMap<String, Value>,
}

#[derive(Deserialize)]
struct Span {
    filename: PathBuf,
    begin: (usize, usize),
}

/// Describes an item of this or another crate.
#[derive(Deserialize)]
pub(super) struct Summary {
    crate_id: u32,
    path: Vec<String>,
    kind: String,
}

#[derive(Deserialize)]
struct Header {
    format_version: u32,
}

impl<'m> Builder<'m> {
    pub(super) fn new(metadata: &'m Metadata, folder: &Path) -> Self {
        let folder = folder.to_path_buf();
        Self { metadata, folder }
    }

    /// Documents the libraries of these packages.
    pub(super) fn document(
        &self,
        packages: &[&Package],
        features: Features<'_>,
    ) -> anyhow::Result<Vec<Documentation>> {
        let mut command = cargo(&["doc", "--quiet", "--no-deps", "--lib"]);
        command.current_dir(&self.metadata.workspace_root);
        for package in packages {
            command.args(["--package", &package.name]);
        }
        let name = match features {
            Features::All => {
                command.arg("--all-features");
                "all".to_owned()
            }
            Features::Default => "default".to_owned(),
            Features::DefaultAnd(feature) => {
                command.args(["--features", feature]);
                format!("default-{feature}")
            }
        };
        // Each choice has a separate folder, so that a file is never that of another choice. The dependencies are shared.
        let target = self.folder.join(name);
        command
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_BUILD_BUILD_DIR", self.folder.join("build"))
            .env("RUSTC_BOOTSTRAP", "1")
            .env(
                "RUSTDOCFLAGS",
                "-Z unstable-options --output-format json --cap-lints allow",
            );
        run(&mut command)?;
        let files = packages.iter().map(|package| {
            let file = format!("{}.json", crate_name(package));
            Documentation::read(&target.join("doc").join(file))
        });
        files.collect()
    }
}

impl Documentation {
    fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
        let Header { format_version } = serde_json::from_str(&text)
            .with_context(|| format!("{shown} does not name its format"))?;
        ensure!(
            FORMATS.contains(&format_version),
            "{shown} has format {format_version}, and this check knows {FORMATS:?}; use another version of Rust, or see \
             `FORMATS` in {}",
            file!()
        );
        serde_json::from_str(&text).with_context(|| format!("{shown} has an unexpected form"))
    }

    /// Returns `None` for an item of another crate.
    pub(super) fn item(&self, id: Id) -> Option<&Item> {
        self.index.get(&id).filter(|item| item.crate_id == 0)
    }

    /// The path where an item of this or another crate is defined, which may lead through private modules.
    pub(super) fn summary(&self, id: Id) -> Option<&Summary> {
        self.paths.get(&id)
    }

    /// Finds the crate's own module that is defined at this path.
    pub(super) fn module(&self, path: &[String]) -> Option<Id> {
        let found = self.paths.iter().find(|(_, summary)| {
            !summary.is_foreign() && summary.is_module() && summary.path == path
        });
        found.map(|(id, _)| *id)
    }
}

impl Item {
    pub(super) fn kind(&self) -> &str {
        self.inner.keys().next().map_or("", String::as_str)
    }

    pub(super) fn content(&self) -> &Value {
        self.inner.values().next().unwrap_or(&Value::Null)
    }

    /// The ids in a list of the content.
    pub(super) fn ids(&self, list: &str) -> Vec<Id> {
        ids(self.content().get(list).unwrap_or(&Value::Null))
    }

    /// Returns false for private methods. The items of a trait have the visibility "default".
    pub(super) fn is_public(&self) -> bool {
        self.visibility == "public" || self.visibility == "default"
    }

    /// The file and line, such as `src/lib.rs:3`.
    pub(super) fn place(&self) -> String {
        self.span.as_ref().map_or_else(String::new, |span| {
            format!("{}:{}", span.filename.display(), span.begin.0)
        })
    }
}

impl Summary {
    pub(super) fn is_foreign(&self) -> bool {
        self.crate_id != 0
    }

    pub(super) fn is_module(&self) -> bool {
        self.kind == "module"
    }

    pub(super) fn path(&self) -> &[String] {
        &self.path
    }
}

/// The name in paths.
pub(super) fn crate_name(package: &Package) -> String {
    package.name.replace('-', "_")
}

/// The ids in a list. A private field of a tuple is `null` there.
pub(super) fn ids(list: &Value) -> Vec<Id> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(id).collect()
}

pub(super) fn id(value: &Value) -> Option<Id> {
    value.as_u64().and_then(|id| Id::try_from(id).ok())
}
