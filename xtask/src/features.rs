//! A feature adds to a library and needs no other feature for it.

use crate::cargo::{cargo, run};
use crate::metadata::{Metadata, Package};

/// Lints each library without features, then with each of its features alone.
pub(crate) fn check_each_alone() -> anyhow::Result<()> {
    for library in Metadata::read()?.libraries() {
        let features = library.features.keys().filter(|name| *name != "default");
        let mut alone = vec![String::new()];
        alone.extend(features.cloned());
        for feature in alone {
            lint(library, &feature)?;
        }
    }
    Ok(())
}

fn lint(library: &Package, feature: &str) -> anyhow::Result<()> {
    let mut command = cargo(&["clippy", "--quiet", "--no-default-features"]);
    command.args(["--package", &library.name, "--features", feature]);
    run(command.args(["--", "-D", "warnings"]))
}
