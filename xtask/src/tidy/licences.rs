//! What users ship with the libraries: under which licences, and how often.

use std::collections::BTreeMap;

use anyhow::Context as _;
use spdx::{Expression, LicenseItem};

use crate::metadata::Metadata;

/// Licences that ask for no more than their text and names be kept.
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

/// Packages of which two versions are shipped, and whose doing it is.
const TWICE: [(&str, &str); 1] = [(
    "base64",
    "an older one in reqwest's tree, a newer one in tonic's",
)];

pub(crate) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in metadata.shipped() {
        let (name, version) = (package.name.as_str(), package.version.as_str());
        versions.entry(name).or_default().push(version);
        let text = package.license.as_deref().unwrap_or("none");
        let licence = Expression::parse_mode(text, spdx::ParseMode::LAX)
            .with_context(|| format!("{name} {version}: licence {text:?} is no SPDX expression"))?;
        if !licence.evaluate(|required| is_allowed(&required.license)) {
            breaches.push(format!(
                "{name} {version}: licence {text} is not among those allowed"
            ));
        }
    }
    for (name, versions) in versions {
        let is_known = TWICE.iter().any(|(known, _)| *known == name);
        if versions.len() > 1 && !is_known {
            let versions = versions.join(" and ");
            breaches.push(format!(
                "{name}: {versions} are both shipped; see `cargo tree --duplicates`"
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
