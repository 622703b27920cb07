//! No file imports a file that imports it, directly or through others, and neither does a crate.
#![expect(
    clippy::indexing_slicing,
    reason = "the ids of files and modules are indexes of lists that only grow"
)]

mod files;
mod graph;
mod imports;
mod modules;
mod packages;
mod paths;
mod resolve;

use cargo_metadata::Metadata;

pub(super) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    packages::check(metadata, breaches);
    for package in metadata.workspace_packages() {
        for target in package.targets.iter().filter(|it| !it.is_custom_build()) {
            files::check(package, target.src_path.as_std_path(), breaches)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{Fixture, manifest};

    fn breaches_of(files: &[(&str, &str)]) -> Vec<String> {
        breaches_in(&Fixture::package(files))
    }

    fn breaches_in(fixture: &Fixture) -> Vec<String> {
        let mut breaches = Vec::new();
        check(&fixture.metadata(), &mut breaches).unwrap();
        breaches
    }

    #[test]
    fn two_files_that_import_each_other_are_reported_with_names_and_lines() {
        let lib = "mod one;\nmod two;\n";
        let one = "use crate::two::Two;\n\npub struct One(Two);\n";
        let two = "pub struct Two;\n\nimpl Two {\n    fn one(&self, _: super::one::One) {}\n}\n";
        let breaches = breaches_of(&[("lib.rs", lib), ("one.rs", one), ("two.rs", two)]);
        let expected = "sample: 2 files import each other:\n    \
                        src/one.rs imports src/two.rs: Two (line 1)\n    \
                        src/two.rs imports src/one.rs: One (line 4)";
        assert_eq!(breaches, [expected]);

        let two = "pub struct Two;\n";
        let breaches = breaches_of(&[("lib.rs", lib), ("one.rs", one), ("two.rs", two)]);
        assert_eq!(breaches, Vec::<String>::new());
    }

    #[test]
    fn a_longer_cycle_is_reported_once() {
        let breaches = breaches_of(&[
            ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n"),
            ("a.rs", "pub fn a() { crate::b::b() }\n"),
            ("b.rs", "pub fn b() { crate::c::c() }\n"),
            ("c.rs", "pub fn c() { crate::a::a() }\n"),
            ("d.rs", "pub fn d() { crate::a::a() }\n"),
        ]);
        assert_eq!(breaches.len(), 1);
        assert!(breaches[0].starts_with(
            "sample: 3 files import each other:\n    src/a.rs imports src/b.rs: b (line 1)\n"
        ));
        assert!(!breaches[0].contains("src/d.rs"));
    }

    #[test]
    fn a_reexport_counts_as_the_file_that_defines_the_item() {
        let files = [
            ("lib.rs", "mod one;\nmod shapes;\n"),
            (
                "one.rs",
                "use crate::shapes::{Edge as Line, Square};\npub struct One(Square, Line);\n",
            ),
            (
                "shapes/mod.rs",
                "mod edge;\nmod square;\npub use edge::*;\npub(crate) use self::square::Square;\n",
            ),
            ("shapes/edge.rs", "pub struct Edge;\n"),
            (
                "shapes/square.rs",
                "pub struct Square;\nfn one() -> Option<crate::one::One> { None }\n",
            ),
        ];
        let breaches = breaches_of(&files);
        assert_eq!(
            breaches,
            ["sample: 2 files import each other:\n    \
              src/one.rs imports src/shapes/square.rs: Square (line 1)\n    \
              src/shapes/square.rs imports src/one.rs: One (line 2)"]
        );
    }

    #[test]
    fn a_child_may_not_use_what_its_parent_defines_if_the_parent_uses_the_child() {
        let child = (
            "parent/child.rs",
            "use super::Limit;\npub struct Child(Limit);\n",
        );
        let lib = ("lib.rs", "mod parent;\n");
        let reexporting = "mod child;\npub use self::child::Child;\npub struct Limit;\n";
        let breaches = breaches_of(&[lib, ("parent/mod.rs", reexporting), child]);
        assert_eq!(breaches, Vec::<String>::new());

        let using =
            "mod child;\npub use self::child::Child;\npub struct Limit;\nfn f(_: Child) {}\n";
        let breaches = breaches_of(&[lib, ("parent/mod.rs", using), child]);
        assert_eq!(breaches.len(), 1);
        assert!(
            breaches[0].contains("src/parent/mod.rs imports src/parent/child.rs: Child (line 4)")
        );

        let private = "mod child;\nuse self::child::Child;\npub struct Limit(Option<Child>);\n";
        let everything = ("parent/child.rs", "use super::*;\npub struct Child;\n");
        let breaches = breaches_of(&[lib, ("parent/mod.rs", private), everything]);
        assert_eq!(breaches.len(), 1);
        assert!(
            breaches[0]
                .contains("src/parent/child.rs imports src/parent/mod.rs: super::* (line 1)")
        );
    }

    #[test]
    fn uses_in_macros_and_functions_count() {
        let lib = ("lib.rs", "mod one;\nmod two;\n");
        let one = (
            "one.rs",
            "wrap! { pub struct One { two: crate::two::Two } }\n",
        );
        for two in [
            "pub struct Two;\nfn f() { println!(\"{}\", 1 + crate::one::One::LEN) }\n",
            "pub struct Two;\nfn f() { use crate::one; let _: one::One; }\n",
            "pub struct Two;\nwrap! { not an item, crate::one::One }\n",
            "use crate::one::One;\npub struct Two;\nfn f() { assert_eq!(One, 1) }\n",
        ] {
            let breaches = breaches_of(&[lib, one, ("two.rs", two)]);
            assert_eq!(breaches.len(), 1, "{two}");
        }
    }

    #[test]
    fn tests_and_docs_and_local_names_do_not_count() {
        let lib = (
            "lib.rs",
            "mod one;\npub(crate) use one::one;\npub fn limit() {}\n",
        );
        for one in [
            "pub fn one() {}\n",
            "/// See [`crate::limit`].\npub fn one() {}\n#[cfg(test)]\nmod tests { use crate::limit; }\n",
            "pub fn one() {}\n#[cfg(all(test, unix))]\nuse crate::limit;\n",
            "use super::*;\npub fn one() {}\n",
        ] {
            let uses_one = format!("{}fn main(one: u8) -> u8 {{ one }}\n", lib.1);
            let breaches = breaches_of(&[("lib.rs", &uses_one), ("one.rs", one)]);
            assert_eq!(breaches, Vec::<String>::new(), "{one}");
        }
    }

    #[test]
    fn files_are_found_by_attributes_and_inside_of_inline_modules() {
        let one = "pub use super::*;\npub fn one() { crate::two() }\n";
        let files = |lib| breaches_of(&[("lib.rs", lib), ("other.rs", one), ("a/one.rs", one)]);
        for lib in [
            "#[path = \"other.rs\"]\nmod one;\npub fn two() { one::one() }\n",
            "#[cfg_attr(windows, path = \"other.rs\")]\n#[path = \"a/one.rs\"]\nmod one;\npub fn two() { one::one() }\n",
            "mod a { pub mod one; }\npub fn two() { a::one::one() }\n",
        ] {
            assert_eq!(files(lib).len(), 1, "{lib}");
        }
        let missing = Fixture::package(&[("lib.rs", "mod absent;\n")]);
        let error = check(&missing.metadata(), &mut Vec::new()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("lib.rs: the module `absent` has no file")
        );
    }

    #[test]
    fn each_of_two_files_for_one_module_means_its_own_items() {
        let lib = "#[cfg(unix)]\nmod one;\n#[cfg(not(unix))]\n#[path = \"no_one.rs\"]\nmod one;\npub use one::One;\n";
        let one = "pub struct One;\nfn f(_: crate::one::One) {}\nfn g(_: crate::One) {}\n";
        let breaches = breaches_of(&[("lib.rs", lib), ("one.rs", one), ("no_one.rs", one)]);
        assert_eq!(breaches, Vec::<String>::new());
    }

    #[test]
    fn packages_may_only_depend_on_each_other_through_tests() {
        let workspace = |one: &str, two: &str| {
            let fixture = Fixture::empty();
            fixture.write(
                "Cargo.toml",
                "[workspace]\nresolver = \"3\"\nmembers = [\"one\", \"two\"]\n",
            );
            fixture.write("one/Cargo.toml", &format!("{}{one}", manifest("one")));
            fixture.write("two/Cargo.toml", &format!("{}{two}", manifest("two")));
            fixture.write("one/src/lib.rs", "");
            fixture.write("two/src/lib.rs", "");
            breaches_in(&fixture)
        };
        let needs_two = "[dependencies]\ntwo = { path = \"../two\", version = \"0.1.0\" }\n";
        let breaches = workspace(
            needs_two,
            "[dev-dependencies]\none = { path = \"../one\" }\n",
        );
        assert_eq!(breaches, Vec::<String>::new());

        let tested = "[dev-dependencies]\none = { path = \"../one\", version = \"0.1.0\" }\n";
        let breaches = workspace(needs_two, tested);
        assert_eq!(breaches.len(), 1);
        assert!(
            breaches[0].starts_with("none of these packages can be published first: one, two;")
        );

        let breaches = workspace(
            needs_two,
            "[build-dependencies]\none = { path = \"../one\" }\n",
        );
        assert_eq!(breaches[0], "these packages depend on each other: one, two");
    }
}
