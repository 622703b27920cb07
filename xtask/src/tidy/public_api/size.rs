//! The public API of otel-core stays small.

use std::collections::BTreeSet;

use cargo_metadata::Metadata;

use crate::metadata::libraries;
use crate::tidy::public_api::items;
use crate::tidy::public_api::rustdoc::{Builder, Features};

/// The crate that everything else builds on.
const CRATE: &str = "otel-core";
/// The limit for the default features, and for what each other feature adds.
const LIMIT: usize = 160;

pub(super) fn check(
    metadata: &Metadata,
    builder: &Builder<'_>,
    breaches: &mut Vec<String>,
) -> anyhow::Result<()> {
    let Some(package) = libraries(metadata).find(|package| package.name == CRATE) else {
        return Ok(());
    };
    let paths = |features| -> anyhow::Result<BTreeSet<String>> {
        let documentation = builder.document(&[package], features)?;
        let items = documentation.iter().flat_map(items::of);
        Ok(items.map(|item| item.path).collect())
    };
    let by_default = paths(Features::Default)?;
    check_number("with its default features", by_default.len(), breaches);
    for feature in package.features.keys().filter(|it| *it != "default") {
        let with_feature = paths(Features::DefaultAnd(feature))?;
        let added = with_feature.difference(&by_default).count();
        check_number(
            &format!("more with the feature `{feature}`"),
            added,
            breaches,
        );
    }
    Ok(())
}

fn check_number(which: &str, number: usize, breaches: &mut Vec<String>) {
    if number > LIMIT {
        breaches.push(format!(
            "{CRATE}: {number} public items {which}, and {LIMIT} are allowed; make private or move what applications do not call"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{Fixture, manifest};

    fn breaches_of(lib: &str) -> Vec<String> {
        let fixture = Fixture::empty();
        let features = "[features]\nmore = []\n[workspace]\n";
        fixture.write("Cargo.toml", &(manifest(CRATE) + features));
        fixture.write("src/lib.rs", lib);
        let metadata = fixture.metadata();
        let builder = Builder::new(&metadata, &fixture.folder().join("rustdoc"));
        let mut breaches = Vec::new();
        check(&metadata, &builder, &mut breaches).unwrap();
        breaches
    }

    fn functions(number: usize, before_each: &str) -> String {
        let function = |number| format!("{before_each}pub fn f{number}() {{}}\n");
        (0..number).map(function).collect()
    }

    /// 14 items of all kinds that count.
    const ITEMS: &str = "pub mod module { pub const CONSTANT: u8 = 1; pub static STATIC: u8 = 1; }
        pub struct Struct { pub field: u8 }
        impl Struct { pub const LIMIT: u8 = 1; pub fn method(&self) {} fn private(&self) {} pub(crate) fn inner(&self) {} }
        impl Clone for Struct { fn clone(&self) -> Self { Self { field: 0 } } }
        pub enum Enum { Variant }
        pub trait Trait { type Type; fn required(&self); fn provided(&self) {} }
        pub type Alias = Struct;
        #[macro_export]
        macro_rules! a_macro { () => {} }
        mod private { pub struct Reexported; #[doc(hidden)] pub struct Hidden; }
        pub use private::{Hidden, Reexported};
        pub use private::Reexported as Again;
        pub use std::fmt;
        #[doc(hidden)]
        pub fn hidden() {}
        ";

    #[test]
    fn one_item_more_than_allowed_is_a_breach() {
        let breaches = breaches_of(&(ITEMS.to_owned() + &functions(LIMIT + 1 - 14, "")));
        assert_eq!(breaches.len(), 1);
        assert!(breaches[0].starts_with("otel-core: 161 public items with its default features"));

        let breaches = breaches_of(&(ITEMS.to_owned() + &functions(LIMIT - 14, "")));
        assert_eq!(breaches, Vec::<String>::new());
    }

    #[test]
    fn the_items_of_a_feature_are_counted_on_their_own() {
        let feature = "#[cfg(feature = \"more\")]\n";
        let by_default = ITEMS.to_owned();
        let breaches = breaches_of(&(by_default.clone() + &functions(LIMIT + 1, feature)));
        assert_eq!(breaches.len(), 1);
        assert!(
            breaches[0].starts_with("otel-core: 161 public items more with the feature `more`")
        );

        let breaches = breaches_of(&(by_default + &functions(LIMIT, feature)));
        assert_eq!(breaches, Vec::<String>::new());
    }
}
