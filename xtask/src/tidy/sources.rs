//! The files that are checked.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use walkdir::WalkDir;

use crate::cargo::root;

pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path, text })
    }

    /// The path from the root of the repository, for messages.
    pub(crate) fn shown(&self) -> String {
        let path = self.path.strip_prefix(root()).unwrap_or(&self.path);
        path.display().to_string()
    }

    /// The lines above the unit tests, which are at the end of a file.
    pub(crate) fn lines_without_tests(&self) -> impl Iterator<Item = &str> {
        self.text.lines().take_while(|line| *line != "#[cfg(test)]")
    }
}

/// The files below a folder with this extension. Empty if the folder does not exist.
pub(crate) fn below(folder: &Path, extension: &str) -> anyhow::Result<Vec<Source>> {
    let mut found = Vec::new();
    if !folder.exists() {
        return Ok(found);
    }
    let entries = WalkDir::new(folder).sort_by_file_name().into_iter();
    for entry in entries.filter_entry(|entry| entry.file_name() != "target") {
        let path = entry?.into_path();
        if path.extension().is_some_and(|it| it == extension) {
            found.push(Source::read(path)?);
        }
    }
    Ok(found)
}
