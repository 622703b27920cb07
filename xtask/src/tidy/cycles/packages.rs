//! Dependencies between the packages of the workspace.

use std::collections::{BTreeMap, BTreeSet};

use crate::metadata::{Dependency, Metadata};
use crate::tidy::cycles::graph;

/// Cargo allows a cycle through dev-dependencies, and so does this check: otel-testkit's tests use otel-tower and the other
/// way round. One of the dependencies in such a cycle must have a path and no version. `cargo package` leaves it out, so
/// that one of the packages can be published before the other.
pub(super) fn check(metadata: &Metadata, breaches: &mut Vec<String>) {
    let in_programs = edges(metadata, |dependency| !dependency.is_dev());
    for cycle in graph::cycles(&in_programs) {
        let names = Vec::from_iter(cycle).join(", ");
        breaches.push(format!("these packages depend on each other: {names}"));
    }
    let when_published = edges(metadata, |dependency| {
        !dependency.is_dev() || dependency.has_version()
    });
    for cycle in graph::cycles(&when_published) {
        let names = Vec::from_iter(cycle).join(", ");
        breaches.push(format!(
            "none of these packages can be published first: {names}; remove the version of a dev-dependency between them"
        ));
    }
}

fn edges(
    metadata: &Metadata,
    counts: impl Fn(&Dependency) -> bool,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in metadata.members() {
        let targets = edges.entry(package.name.clone()).or_default();
        for dependency in &package.dependencies {
            if dependency.is_member() && counts(dependency) {
                targets.insert(dependency.name.clone());
            }
        }
    }
    edges
}
