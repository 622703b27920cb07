//! Each library builds with the Rust version in its manifest, and so do its dependencies with default features.

use cargo_metadata::Metadata;
use cargo_metadata::semver::Version;

use crate::metadata::{self, libraries};
use crate::tidy::tree;

/// Clippy checks the libraries' own code (`incompatible_msrv`).
pub(super) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let all = metadata::read_all()?.packages;
    for library in libraries(metadata) {
        let Some(promised) = &library.rust_version else {
            breaches.push(format!(
                "{}: the manifest has no rust-version",
                library.name
            ));
            continue;
        };
        for tree::Dependency { name, version, .. } in tree::dependencies([library], &[])? {
            let mut same = all.iter().filter(|it| it.version == version);
            let package = same.find(|it| *it.name == name);
            let needed = package.and_then(|package| package.rust_version.as_ref());
            if needed.is_some_and(|needed| release(needed) > release(promised)) {
                let (major, minor) = release(promised);
                breaches.push(format!(
                    "{}: the dependency {name} {version} needs a newer Rust than {major}.{minor}, which the manifest names",
                    library.name
                ));
            }
        }
    }
    Ok(())
}

/// The major and minor number. A patch release compiles the same code.
fn release(rust: &Version) -> (u64, u64) {
    (rust.major, rust.minor)
}
