//! A library builds with the Rust version that it names: so must all that it brings along by default.

use std::collections::BTreeMap;

use crate::metadata::{Metadata, Package};
use crate::tidy::tree;

/// That our own code keeps to it is clippy's to find (`incompatible_msrv`).
pub(super) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let all = Metadata::read_all()?;
    let named: BTreeMap<_, _> = all
        .packages()
        .map(|package| ((&*package.name, &*package.version), package))
        .collect();
    for library in metadata.libraries() {
        let Some(promised) = version(library) else {
            breaches.push(format!("{}: no rust-version", library.name));
            continue;
        };
        for line in tree::packages([library], &[], "{p}")? {
            let (name, number) = tree::name_and_version(&line)?;
            let package = named.get(&(name.as_str(), number.as_str()));
            let needed = package.and_then(|package| version(package));
            if needed.is_some_and(|needed| needed > promised) {
                let [major, minor] = promised;
                breaches.push(format!(
                    "{}: {name} {number} needs a newer Rust than {major}.{minor}",
                    library.name
                ));
            }
        }
    }
    Ok(())
}

/// Major and minor; a patch makes no difference to what compiles.
fn version(package: &Package) -> Option<[u32; 2]> {
    let mut numbers = package.rust_version.as_deref()?.split('.').map(str::parse);
    let (major, minor) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some([major, minor])
}
