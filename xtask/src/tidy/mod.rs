//! `cargo xtask tidy`: the rules of this repository that no other tool checks.

mod cycles;
mod dependencies;
mod docs;
mod event_names;
mod file_length;
#[cfg(test)]
mod fixture;
mod licences;
mod links;
mod lints;
mod public_api;
mod rust_version;
mod sources;
mod syntax;
mod tree;
mod unsafe_code;

use anyhow::bail;

use crate::metadata;

/// Prints each breach, and fails if it finds any.
pub(crate) fn run_all() -> anyhow::Result<()> {
    let metadata = metadata::read()?;
    let mut breaches = Vec::new();
    file_length::check(&mut breaches)?;
    docs::check(&metadata, &mut breaches)?;
    event_names::check(&metadata, &mut breaches)?;
    dependencies::check(&metadata, &mut breaches)?;
    links::check(&mut breaches)?;
    lints::check(&metadata, &mut breaches)?;
    unsafe_code::check(&metadata, &mut breaches)?;
    licences::check(&metadata, &mut breaches)?;
    cycles::check(&metadata, &mut breaches)?;
    public_api::check(
        &metadata,
        metadata.target_directory.join("rustdoc").as_std_path(),
        &mut breaches,
    )?;
    rust_version::check(&metadata, &mut breaches)?;
    for breach in &breaches {
        eprintln!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("tidy found {} breaches", breaches.len());
    }
    Ok(())
}
