//! Dependencies between the packages of the workspace.

use cargo_metadata::semver::VersionReq;
use cargo_metadata::{Dependency, DependencyKind, Metadata};

use crate::tidy::cycles::graph;

/// Cargo allows a cycle through dev-dependencies, and so does this check: otel-testkit's tests use otel-tower and the other
/// way round. One of the dependencies in such a cycle must have a path and no version. `cargo package` leaves it out, so
/// that one of the packages can be published before the other.
pub(super) fn check(metadata: &Metadata, breaches: &mut Vec<String>) {
    let in_programs = edges(metadata, |dependency| !is_dev(dependency));
    for cycle in graph::cycles(in_programs) {
        let names = Vec::from_iter(cycle).join(", ");
        breaches.push(format!("these packages depend on each other: {names}"));
    }
    let when_published = edges(metadata, |dependency| {
        !is_dev(dependency) || dependency.req != VersionReq::STAR
    });
    for cycle in graph::cycles(when_published) {
        let names = Vec::from_iter(cycle).join(", ");
        breaches.push(format!(
            "none of these packages can be published first: {names}; remove the version of a dev-dependency between them"
        ));
    }
}

fn edges(metadata: &Metadata, counts: impl Fn(&Dependency) -> bool) -> Vec<(&str, &str)> {
    let mut edges = Vec::new();
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            if dependency.path.is_some() && counts(dependency) {
                edges.push((package.name.as_str(), dependency.name.as_str()));
            }
        }
    }
    edges
}

fn is_dev(dependency: &Dependency) -> bool {
    dependency.kind == DependencyKind::Development
}
