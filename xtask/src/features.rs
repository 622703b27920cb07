//! A feature adds to a library and needs no other feature for it.

use cargo_metadata::Package;
use itertools::Itertools as _;

use crate::cargo::{cargo, run};
use crate::metadata;

/// The library whose features meet in one request, so that every combination of them is tried.
const COMBINED: &str = "otel-tower";

/// Lints each library with its default features, without features, and with each single feature.
pub(crate) fn check_each_alone() -> anyhow::Result<()> {
    for library in metadata::libraries(&metadata::read()?) {
        lint(library, &[])?;
        let features = library.features.keys().map(String::as_str);
        let features: Vec<_> = features.filter(|name| *name != "default").collect();
        for chosen in choices(&features, library.name == COMBINED) {
            lint(library, &["--no-default-features", "--features", &chosen])?;
        }
    }
    Ok(())
}

/// Returns no feature and each single feature, or every combination.
fn choices(features: &[&str], combined: bool) -> Vec<String> {
    let most = if combined { features.len() } else { 1 };
    let sets = features.iter().powerset();
    sets.filter(|set| set.len() <= most)
        .map(|set| set.into_iter().join(","))
        .collect()
}

fn lint(library: &Package, features: &[&str]) -> anyhow::Result<()> {
    let mut command = cargo(&["clippy", "--quiet", "--package", &library.name]);
    run(command.args(features).args(["--", "-D", "warnings"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_tried_alone_or_in_every_combination() {
        assert_eq!(choices(&["a", "b"], false), ["", "a", "b"]);
        assert_eq!(choices(&["a", "b"], true), ["", "a", "b", "a,b"]);
        assert_eq!(choices(&["a", "b", "c"], true).len(), 8);
        assert_eq!(choices(&[], true), [""]);
    }
}
