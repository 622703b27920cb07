//! A type of another crate in a public signature ties the versions of both crates together, so each is allowed on purpose.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Metadata, Package, Target};
use serde_json::Value;

use crate::metadata;
use crate::tidy::public_api::items::{self, PublicItem, Reexport};
use crate::tidy::public_api::rustdoc::{
    Builder, Documentation, Features, Id, Item, crate_name, id, ids,
};

/// The crates of Rust itself.
const ALWAYS_ALLOWED: [&str; 3] = ["std", "core", "alloc"];

/// The documentation of each library of the workspace, by the name of its crate.
type Libraries = BTreeMap<String, Documentation>;

/// From the path of a type or trait to the public items that name it.
type Uses = BTreeMap<String, Vec<String>>;

/// Each type or trait of another crate that a signature names must be in the list `foreign-types` of the manifest's section
/// `[package.metadata.tidy]`, by its full path or as `name_of_the_crate::*`. A type of this workspace may be re-exported
/// instead.
///
/// A signature is: the arguments, results and bounds of functions and methods; public fields; what types, traits and
/// constants declare; and each `impl` with its associated types. The methods in an `impl` of a trait follow from the trait.
pub(super) fn check(
    metadata: &Metadata,
    builder: &Builder<'_>,
    breaches: &mut Vec<String>,
) -> anyhow::Result<()> {
    let packages: Vec<_> = metadata::libraries(metadata)
        .filter(|package| package.targets.iter().any(Target::is_lib))
        .collect();
    let documentation = builder.document(&packages, Features::All)?;
    let names = packages.iter().map(|package| crate_name(package));
    let libraries = names.zip(documentation).collect();
    for package in packages {
        check_package(package, &libraries, breaches);
    }
    Ok(())
}

fn check_package(package: &Package, libraries: &Libraries, breaches: &mut Vec<String>) {
    let Some(documentation) = libraries.get(&crate_name(package)) else {
        return;
    };
    let list = package.metadata.pointer("/tidy/foreign-types");
    let list = list.and_then(Value::as_array).into_iter().flatten();
    let list: Vec<_> = list.filter_map(Value::as_str).collect();
    let mut needed = BTreeSet::new();
    let mut exports = Exports::default();
    exports.add_module(documentation, documentation.root, libraries);
    for (path, items) in foreign_types(documentation) {
        let crate_name = path.split("::").next().unwrap_or_default();
        let is_ours = libraries.contains_key(crate_name);
        if ALWAYS_ALLOWED.contains(&crate_name) || (is_ours && exports.paths.contains(&path)) {
            continue;
        }
        if let Some(entry) = list.iter().find(|entry| allows(entry, &path)) {
            needed.insert(entry);
            continue;
        }
        let how_to_allow = if is_ours {
            "re-export it"
        } else {
            "hide it, or add it to foreign-types in the package's manifest"
        };
        breaches.push(format!(
            "{}: the signature of {} names {path}, which no list allows; {how_to_allow}",
            package.name,
            shown(&items)
        ));
    }
    for entry in list.iter().filter(|entry| !needed.contains(entry)) {
        breaches.push(format!(
            "{}: no public signature needs the entry {entry} of foreign-types; remove it",
            package.name
        ));
    }
}

fn shown(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [first, others @ ..] => format!("{first} (and of {} more)", others.len()),
    }
}

fn allows(entry: &str, path: &str) -> bool {
    match entry.strip_suffix('*') {
        Some(prefix) if prefix.ends_with("::") => path.starts_with(prefix),
        _ => entry == path,
    }
}

fn foreign_types(documentation: &Documentation) -> Uses {
    let mut uses = Uses::new();
    for PublicItem { path, item } in items::of(documentation) {
        for part in parts(documentation, item) {
            let mut named = BTreeSet::new();
            gather_ids(part.content(), &mut named);
            let named = named.into_iter().filter_map(|id| documentation.summary(id));
            for foreign in named.filter(|it| it.is_foreign() && !is_of_a_macro(it.path())) {
                let users = uses.entry(foreign.path().join("::")).or_default();
                let user = format!("{path} ({})", part.place());
                if !users.contains(&user) {
                    users.push(user);
                }
            }
        }
    }
    uses
}

/// Returns true for names that macros of other crates write, such as `pin_project_lite::__private::PinnedFieldsOf`.
fn is_of_a_macro(path: &[String]) -> bool {
    path.iter().any(|segment| segment.starts_with("__"))
}

/// The item itself, its public fields, and its impls with their associated types.
fn parts<'d>(documentation: &'d Documentation, item: &'d Item) -> Vec<&'d Item> {
    let mut parts = vec![item];
    let mut variants = vec![item];
    variants.extend(find(documentation, &item.ids("variants")));
    for owner in variants {
        parts.extend(find(documentation, &owner.ids("fields")));
        for place in ["/kind/plain/fields", "/kind/struct/fields", "/kind/tuple"] {
            let fields = owner.content().pointer(place);
            let fields = fields.map(ids).unwrap_or_default();
            parts.extend(find(documentation, &fields));
        }
    }
    let impls = [item.ids("impls"), item.ids("implementations")].concat();
    for block in find(documentation, &impls).filter(|it| is_written(it)) {
        parts.push(block);
        let members = block.ids("items");
        let members = find(documentation, &members);
        parts.extend(members.filter(|it| it.kind() == "assoc_type"));
    }
    parts
}

fn find<'d>(
    documentation: &'d Documentation,
    ids: &[Id],
) -> impl Iterator<Item = &'d Item> + use<'d> {
    let ids = ids.to_vec();
    ids.into_iter().filter_map(|id| documentation.item(id))
}

/// Returns false for impls by the compiler and for blanket impls.
fn is_written(block: &Item) -> bool {
    let is_set = |name| {
        let value = block.content().get(name);
        value.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
    };
    !is_set("is_synthetic") && !is_set("blanket_impl")
}

/// A type or trait is written as an object with an id and a path.
fn gather_ids(value: &Value, found: &mut BTreeSet<Id>) {
    match value {
        Value::Object(object) => {
            if object.get("path").is_some_and(Value::is_string) {
                found.extend(object.get("id").and_then(id));
            }
            for value in object.values() {
                gather_ids(value, found);
            }
        }
        Value::Array(list) => {
            for value in list {
                gather_ids(value, found);
            }
        }
        _ => {}
    }
}

/// The items that users reach by the public paths of a crate.
#[derive(Default)]
struct Exports {
    /// The paths where the items are defined.
    paths: BTreeSet<String>,
}

impl Exports {
    fn add_module(&mut self, documentation: &Documentation, module: Id, libraries: &Libraries) {
        let module = documentation.item(module);
        for child in module.map(|it| it.ids("items")).unwrap_or_default() {
            let reexport = documentation.item(child).and_then(Reexport::from_item);
            match reexport {
                Some(reexport) if reexport.is_glob => {
                    self.add_content(documentation, reexport.target, libraries);
                }
                Some(reexport) => self.add(documentation, reexport.target, libraries),
                None => self.add(documentation, child, libraries),
            }
        }
    }

    fn add(&mut self, documentation: &Documentation, id: Id, libraries: &Libraries) {
        let Some(summary) = documentation.summary(id) else {
            return;
        };
        if self.paths.insert(summary.path().join("::")) && summary.is_module() {
            self.add_content(documentation, id, libraries);
        }
    }

    /// Adds the items of a module, which another library may define.
    fn add_content(&mut self, documentation: &Documentation, module: Id, libraries: &Libraries) {
        let Some(summary) = documentation.summary(module) else {
            return;
        };
        if !summary.is_foreign() {
            return self.add_module(documentation, module, libraries);
        }
        let library = summary.path().first().and_then(|it| libraries.get(it));
        if let Some((library, module)) =
            library.and_then(|it| Some((it, it.module(summary.path())?)))
        {
            self.add_module(library, module, libraries);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{Fixture, manifest};

    /// Checks a workspace with the library `adapter`. It depends on `rules`, which is another library of the workspace, and on
    /// `foreign`, which is not.
    fn breaches_of(adapter: &str, list: &str) -> Vec<String> {
        let fixture = Fixture::empty();
        let head = "[workspace]\nmembers = [\"rules\"]\nexclude = [\"foreign\"]\n";
        let dependencies =
            "[dependencies]\nrules = { path = \"rules\" }\nforeign = { path = \"foreign\" }\n";
        let list = format!("[package.metadata.tidy]\nforeign-types = [{list}]\n");
        let own = [&manifest("adapter"), head, dependencies, &list].concat();
        fixture.write("Cargo.toml", &own);
        fixture.write("src/lib.rs", adapter);
        fixture.write("rules/Cargo.toml", &manifest("rules"));
        fixture.write("rules/src/lib.rs", RULES);
        fixture.write(
            "foreign/Cargo.toml",
            &(manifest("foreign") + "[workspace]\n"),
        );
        fixture.write("foreign/src/lib.rs", FOREIGN);
        let metadata = fixture.metadata();
        let builder = Builder::new(&metadata, &fixture.folder().join("rustdoc"));
        let mut breaches = Vec::new();
        check(&metadata, &builder, &mut breaches).unwrap();
        breaches
    }

    const RULES: &str = "
        pub mod trust { pub use crate::list::Hosts; pub struct Trust; }
        mod list { pub struct Hosts; }
        pub mod http { pub struct Method; pub use crate::trust; }
        pub struct Head;
        pub struct Missing;";

    const FOREIGN: &str = "
        pub mod deep { pub struct Argument; pub struct Result; }
        pub struct Field; pub struct Variant; pub struct Alias; pub struct Associated; pub struct Implementor; pub struct Private;
        pub struct Constant;
        pub trait Bound {} pub trait Where {} pub trait Implemented {} pub trait Anonymous {} pub trait Object {} pub trait Super {}
        #[doc(hidden)] pub mod __private { pub trait OfMacro {} }";

    #[test]
    fn a_foreign_type_must_be_in_the_list() {
        let lib = "pub fn f(_: foreign::deep::Argument) {}\n";
        let breaches = breaches_of(lib, "");
        assert_eq!(
            breaches,
            [
                "adapter: the signature of adapter::f (src/lib.rs:1) names foreign::deep::Argument, which no list allows; \
              hide it, or add it to foreign-types in the package's manifest"
            ]
        );
        let list = "\"foreign::deep::Argument\"";
        assert_eq!(breaches_of(lib, list), Vec::<String>::new());
    }

    #[test]
    fn an_entry_of_the_list_allows_a_type_or_a_module() {
        for entry in ["foreign::deep::Argument", "foreign::*", "foreign::deep::*"] {
            assert!(allows(entry, "foreign::deep::Argument"), "{entry}");
        }
        for entry in [
            "foreign::deep",
            "foreign::deep::Arg*",
            "fore::*",
            "Argument",
            "*",
        ] {
            assert!(!allows(entry, "foreign::deep::Argument"), "{entry}");
        }
        let breaches = breaches_of("", "\"foreign::*\"");
        assert_eq!(
            breaches,
            ["adapter: no public signature needs the entry foreign::* of foreign-types; remove it"]
        );
    }

    #[test]
    fn every_place_of_a_signature_counts() {
        let lib = "
            use foreign::*;
            pub struct Own<T: Bound> { pub field: Option<Field>, private: Private, pub own: T }
            impl<T: Bound> Own<T> { pub fn method(&self) -> Vec<deep::Result> { vec![] } fn hidden(_: Private) {} }
            impl<T: Bound> Implemented for Own<T> {}
            impl<T: Bound> Iterator for Own<T> { type Item = Associated; fn next(&mut self) -> Option<Associated> { None } }
            impl<T: Bound + __private::OfMacro> Drop for Guard<T> { fn drop(&mut self) {} }
            pub struct Guard<T: Bound + __private::OfMacro>(T, Private);
            pub enum Choice { Tuple(Variant) }
            pub type Short = Alias;
            pub const CONSTANT: Option<Constant> = None;
            pub trait Extension { fn provided<T>(_: impl Super) where T: Where {} }
            impl Extension for Implementor {}
            pub fn function(_: impl Anonymous, _: &dyn Object) -> std::io::Result<()> { Ok(()) }
            #[doc(hidden)] pub fn hidden(_: Private) {}
            mod private { pub fn function(_: super::Private) {} }
            ";
        let breaches = breaches_of(lib, "");
        let named = breaches
            .iter()
            .filter_map(|it| it.split(" names foreign::").nth(1)?.split(',').next());
        let expected = [
            "Alias",
            "Anonymous",
            "Associated",
            "Bound",
            "Constant",
            "Field",
            "Implemented",
            "Implementor",
            "Object",
            "Super",
            "Variant",
            "Where",
            "deep::Result",
        ];
        assert_eq!(named.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_type_of_this_workspace_may_be_reexported() {
        let lib = "
            pub use rules::{Head as RequestHead, http};
            pub fn f(_: rules::Head, _: rules::http::Method, _: rules::trust::Trust, _: rules::trust::Hosts) {}
            ";
        assert_eq!(breaches_of(lib, ""), Vec::<String>::new());
        let glob = lib.replace("{Head as RequestHead, http}", "*");
        assert_eq!(breaches_of(&glob, ""), Vec::<String>::new());

        let missing = lib.replace("_: rules::Head,", "_: rules::Head, _: rules::Missing,");
        let breaches = breaches_of(&missing, "");
        assert_eq!(
            breaches,
            [
                "adapter: the signature of adapter::f (src/lib.rs:3) names rules::Missing, which no list allows; re-export it"
            ]
        );
    }
}
