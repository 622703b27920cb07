//! Packages that tests write into temporary folders.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process};

use cargo_metadata::Metadata;

use crate::metadata;

/// A folder with the files of a workspace. It is removed at the end of the test.
pub(crate) struct Fixture {
    folder: PathBuf,
}

impl Fixture {
    /// Writes a package named `sample` whose files have these paths below `src` and these texts.
    pub(crate) fn package(files: &[(&str, &str)]) -> Self {
        let fixture = Self::empty();
        fixture.write("Cargo.toml", &(manifest("sample") + "[workspace]\n"));
        for (path, text) in files {
            fixture.write(&format!("src/{path}"), text);
        }
        fixture
    }

    /// Makes a folder without files.
    pub(crate) fn empty() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("otel-xtask-tidy-{}-{number}", process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self { folder }
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn metadata(&self) -> Metadata {
        metadata::read_in(&self.folder).unwrap()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The `[package]` section of a manifest.
pub(crate) fn manifest(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
}
