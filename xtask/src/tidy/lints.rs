//! Each library has the workspace's lints.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context as _;

use cargo_metadata::Metadata;
use cargo_metadata::camino::Utf8Path;

use crate::metadata::libraries;
use crate::tidy::unsafe_code::UNSAFE_LIBRARY;

/// From the path of a lint, for example `rust.unsafe_code`, to its level.
type Lints = BTreeMap<String, String>;

/// A manifest either inherits the workspace's table of lints or, if the library has unsafe code, repeats it with
/// `unsafe_code = "deny"`.
pub(super) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let root = metadata.workspace_root.join("Cargo.toml");
    let mut with_unsafe = read(&root, "workspace.lints.")?;
    with_unsafe.insert("rust.unsafe_code".to_owned(), "\"deny\"".to_owned());
    for library in libraries(metadata) {
        let name = library.name.as_str();
        let lints = read(&library.manifest_path, "lints.")?;
        if lints == Lints::from([("workspace".to_owned(), "true".to_owned())]) {
            continue;
        }
        if name != UNSAFE_LIBRARY {
            breaches.push(format!(
                "{name}: the manifest does not inherit the workspace's lints; write `[lints]` and `workspace = true`, and nothing else there"
            ));
            continue;
        }
        for (lint, level) in &with_unsafe {
            if lints.get(lint) != Some(level) {
                breaches.push(format!(
                    "{name}: the manifest sets the lint {lint} to {}; write {level}, as the workspace needs it",
                    lints.get(lint).map_or("nothing", String::as_str)
                ));
            }
        }
        for lint in lints.keys().filter(|lint| !with_unsafe.contains_key(*lint)) {
            breaches.push(format!(
                "{name}: the manifest sets the lint {lint}, which the workspace does not have; remove it, or add it to the workspace"
            ));
        }
    }
    Ok(())
}

/// Reads the keys of a manifest that start with this prefix, without the prefix, and their values.
fn read(path: &Utf8Path, prefix: &str) -> anyhow::Result<Lints> {
    let manifest = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let mut table = String::new();
    let mut found = Lints::new();
    for line in manifest.lines() {
        // No level of a lint contains this character.
        let line = line.split('#').next().unwrap_or(line).trim();
        if let Some(name) = line.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            table = format!("{name}.");
        } else if let Some((key, value)) = line.split_once('=') {
            let key = format!("{table}{}", key.trim());
            if let Some(lint) = key.strip_prefix(prefix) {
                found.insert(lint.to_owned(), value.trim().to_owned());
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{Fixture, manifest};

    const LINTS: &str = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"warn\" # for users\n\n\
                         [workspace.lints.clippy]\nunwrap_used = \"warn\"\n";

    /// Checks a workspace with one library, whose manifest ends with these lines.
    fn breaches_of(name: &str, lints: &str) -> Vec<String> {
        let fixture = Fixture::empty();
        fixture.write(
            "Cargo.toml",
            &format!("{}\n[workspace]\n\n{LINTS}\n{lints}", manifest(name)),
        );
        fixture.write("src/lib.rs", "");
        let mut breaches = Vec::new();
        check(&fixture.metadata(), &mut breaches).unwrap();
        breaches
    }

    #[test]
    fn a_library_inherits_the_lints() {
        let none = breaches_of("sample", "");
        assert_eq!(none.len(), 1);
        assert!(none[0].starts_with("sample: the manifest does not inherit"));
        let own = "[lints.rust]\nunsafe_code = \"deny\"\nmissing_docs = \"warn\"\n[lints.clippy]\nunwrap_used = \"warn\"\n";
        assert_eq!(breaches_of("sample", own).len(), 1);

        let inherited = "[lints]\nworkspace = true\n";
        assert_eq!(breaches_of("sample", inherited), Vec::<String>::new());
        assert_eq!(breaches_of(UNSAFE_LIBRARY, inherited), Vec::<String>::new());
    }

    #[test]
    fn the_library_with_unsafe_code_repeats_each_lint() {
        let weaker = "[lints.rust]\nunsafe_code = \"allow\"\nmissing_docs = \"warn\"\ndead_code = \"allow\"\n";
        assert_eq!(
            breaches_of(UNSAFE_LIBRARY, weaker),
            [
                "otel-tracing: the manifest sets the lint clippy.unwrap_used to nothing; write \"warn\", as the workspace needs it",
                "otel-tracing: the manifest sets the lint rust.unsafe_code to \"allow\"; write \"deny\", as the workspace needs it",
                "otel-tracing: the manifest sets the lint rust.dead_code, which the workspace does not have; remove it, or add it to the workspace",
            ]
        );

        let equal = "[lints.clippy]\nunwrap_used = \"warn\"\n\n\
                     [lints.rust]\nunsafe_code = \"deny\" # in one file\nmissing_docs = \"warn\"\n";
        assert_eq!(breaches_of(UNSAFE_LIBRARY, equal), Vec::<String>::new());
    }
}
