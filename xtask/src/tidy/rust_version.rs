//! Each library builds with the Rust version in its manifest, and so do its dependencies with default features.

use std::collections::BTreeMap;

use crate::metadata::{Metadata, Package};
use crate::tidy::tree;

/// Clippy checks the libraries' own code (`incompatible_msrv`).
pub(super) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let all = Metadata::read_all()?;
    let named: BTreeMap<_, _> = all
        .packages()
        .map(|package| ((&*package.name, &*package.version), package))
        .collect();
    for library in metadata.libraries() {
        let Some(promised) = version(library) else {
            breaches.push(format!(
                "{}: the manifest has no rust-version",
                library.name
            ));
            continue;
        };
        for line in tree::packages([library], &[], "{p}")? {
            let (name, number) = tree::name_and_version(&line)?;
            let package = named.get(&(name.as_str(), number.as_str()));
            let needed = package.and_then(|package| version(package));
            if needed.is_some_and(|needed| needed > promised) {
                let [major, minor] = promised;
                breaches.push(format!(
                    "{}: the dependency {name} {number} needs a newer Rust than {major}.{minor}, which the manifest names",
                    library.name
                ));
            }
        }
    }
    Ok(())
}

/// The major and minor number. A patch release compiles the same code.
fn version(package: &Package) -> Option<[u32; 2]> {
    let mut numbers = package.rust_version.as_deref()?.split('.').map(str::parse);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some([major, minor])
}
