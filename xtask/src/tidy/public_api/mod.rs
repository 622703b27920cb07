//! The public API of the libraries, as rustdoc sees it: how large it is, and which other crates it ties users to.

mod foreign_types;
mod items;
mod rustdoc;
mod size;

use std::path::Path;

use cargo_metadata::Metadata;

use crate::tidy::public_api::rustdoc::Builder;

/// Writes rustdoc's files to this folder.
pub(super) fn check(
    metadata: &Metadata,
    folder: &Path,
    breaches: &mut Vec<String>,
) -> anyhow::Result<()> {
    let builder = Builder::new(metadata, folder);
    size::check(metadata, &builder, breaches)?;
    foreign_types::check(metadata, &builder, breaches)
}
