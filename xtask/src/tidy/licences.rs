//! The packages that users ship with the libraries: their licences, and whether they come in two versions.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use cargo_metadata::Metadata;
use spdx::{Expression, LicenseItem, ParseMode};

use crate::metadata::libraries;
use crate::tidy::tree::{self, Dependency};

/// Licences that only require keeping their text and the names of the authors.
const ALLOWED: [&str; 9] = [
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages of which two versions are shipped, and the reason.
const TWICE: [(&str, &str); 4] = [
    (
        "base64",
        "an older one in reqwest's tree, a newer one in tonic's",
    ),
    (
        "getrandom",
        "an older one in rand's tree, a newer one in that of the cc build tool",
    ),
    ("r-efi", "as getrandom, which it is for"),
    (
        "syn",
        "async-trait is ahead of the other procedural macros; in no program",
    ),
];

pub(crate) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let shipped = tree::dependencies(libraries(metadata), &["--all-features"])?;
    for Dependency {
        name,
        version,
        licence,
    } in shipped
    {
        let expression = Expression::parse_mode(&licence, ParseMode::LAX).with_context(|| {
            format!("{name} {version}: the licence {licence:?} is not a valid SPDX expression")
        })?;
        if !expression.evaluate(|required| is_allowed(&required.license)) {
            breaches.push(format!(
                "{name} {version}: the licence {licence} is not in the list of allowed licences"
            ));
        }
        versions
            .entry(name)
            .or_default()
            .insert(version.to_string());
    }
    for (name, versions) in versions {
        let is_known = TWICE.iter().any(|(known, _)| *known == name);
        if versions.len() > 1 && !is_known {
            let versions = Vec::from_iter(versions).join(" and ");
            breaches.push(format!(
                "{name}: the versions {versions} are both shipped; see `cargo tree --duplicates`"
            ));
        }
    }
    Ok(())
}

fn is_allowed(licence: &LicenseItem) -> bool {
    match licence {
        LicenseItem::Spdx { id, .. } => ALLOWED.contains(&id.name),
        LicenseItem::Other { .. } => false,
    }
}
