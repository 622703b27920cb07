//! Dependencies are chosen on purpose: noted, used, and without their default features.

use std::fs;

use anyhow::Context as _;

use crate::metadata::{Dependency, Metadata, Package};
use crate::tidy::sources;

/// Which SDK is used is the application's choice; these see the API alone.
const API_ONLY: [&str; 4] = ["otel-core", "otel-tower", "otel-reqwest", "otel-log"];

pub(crate) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    for package in metadata.members() {
        for dependency in &package.dependencies {
            check_purpose(package, dependency, breaches);
        }
        check_use(package, breaches)?;
    }
    for library in metadata.libraries() {
        check_notes(library, breaches)?;
    }
    Ok(())
}

fn check_purpose(package: &Package, dependency: &Dependency, breaches: &mut Vec<String>) {
    let (crate_name, name) = (&package.name, &dependency.name);
    if dependency.uses_default_features && !dependency.is_member() {
        breaches.push(format!(
            "{crate_name}: {name} comes with its default features; name those that are needed"
        ));
    }
    let is_sdk = name == "opentelemetry_sdk" || name == "opentelemetry-otlp";
    if is_sdk && !dependency.is_dev() && API_ONLY.contains(&crate_name.as_str()) {
        breaches.push(format!(
            "{crate_name}: {name} is the application's choice; depend on the API alone"
        ));
    }
}

/// A dependency is used where its crate's name stands in the sources.
fn check_use(package: &Package, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let mut text = String::new();
    for folder in ["src", "tests", "benches", "examples"] {
        for source in sources::below(&package.folder().join(folder))? {
            text.push_str(&source.text);
        }
    }
    // What a build script generates is not there to be read; what it is told to generate is.
    text.push_str(&fs::read_to_string(package.folder().join("build.rs")).unwrap_or_default());
    for dependency in &package.dependencies {
        let crate_name = dependency.name.replace('-', "_");
        if !text.contains(&crate_name) {
            breaches.push(format!("{}: {} is not used", package.name, dependency.name));
        }
    }
    Ok(())
}

/// In a library's manifest a line above each dependency says why it is there.
fn check_notes(library: &Package, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let path = &library.manifest_path;
    let manifest =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut inside = false;
    let mut noted = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let name = line.split([' ', '.', '=']).next().unwrap_or(line);
            if !noted && !line.contains('#') && !name.starts_with("otel-") {
                breaches.push(format!(
                    "{}: no note says why {name} is there",
                    library.name
                ));
            }
        }
        noted = line.starts_with('#');
    }
    Ok(())
}
