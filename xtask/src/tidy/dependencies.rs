//! Each dependency is used, has a comment that says why, and comes without its default features.

use std::fs;

use anyhow::Context as _;
use cargo_metadata::{Dependency, DependencyKind, Metadata, Package};

use crate::metadata::{folder, libraries};
use crate::tidy::sources;

/// These depend on the API only. The application chooses the SDK.
const API_ONLY: [&str; 6] = [
    "otel-core",
    "otel-exchange",
    "otel-messaging",
    "otel-tower",
    "otel-reqwest",
    "otel-log",
];

pub(crate) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            check_purpose(package, dependency, breaches);
        }
        check_use(package, breaches)?;
    }
    for library in libraries(metadata) {
        check_notes(library, breaches)?;
    }
    Ok(())
}

fn check_purpose(package: &Package, dependency: &Dependency, breaches: &mut Vec<String>) {
    let (crate_name, name) = (&package.name, &dependency.name);
    if dependency.uses_default_features && dependency.path.is_none() {
        breaches.push(format!(
            "{crate_name}: {name} has its default features; set default-features = false and name the features that are needed"
        ));
    }
    let is_dev = dependency.kind == DependencyKind::Development;
    let is_sdk = name == "opentelemetry_sdk" || name == "opentelemetry-otlp";
    if is_sdk && !is_dev && API_ONLY.contains(&crate_name.as_str()) {
        breaches.push(format!(
            "{crate_name} depends on {name}, which the application chooses; depend on the API only"
        ));
    }
}

/// A dependency counts as used if the sources contain the name of its crate.
fn check_use(package: &Package, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let mut text = String::new();
    for place in ["src", "tests", "benches", "examples"] {
        for source in sources::below(&folder(package).join(place), "rs")? {
            text.push_str(&source.text);
        }
    }
    // The generated code cannot be read here, but the build script that generates it can.
    text.push_str(&fs::read_to_string(folder(package).join("build.rs")).unwrap_or_default());
    for dependency in &package.dependencies {
        let crate_name = dependency.name.replace('-', "_");
        if !text.contains(&crate_name) {
            breaches.push(format!(
                "{}: the sources do not name the dependency {}; remove it",
                package.name, dependency.name
            ));
        }
    }
    Ok(())
}

/// In a library's manifest a comment above each dependency says why the library needs it.
fn check_notes(library: &Package, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let path = &library.manifest_path;
    let manifest = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    let mut inside = false;
    let mut noted = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let name = line.split([' ', '.', '=']).next().unwrap_or(line);
            if !noted && !line.contains('#') && !name.starts_with("otel-") {
                breaches.push(format!(
                    "{}: the dependency {name} has no comment in the manifest; add one that says why the library needs it",
                    library.name
                ));
            }
        }
        noted = line.starts_with('#');
    }
    Ok(())
}
