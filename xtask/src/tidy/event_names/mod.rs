//! Each WARN and ERROR of the libraries has a stable name, and each name has an anchor in the guide on troubleshooting.

mod events;
mod guide;
mod tokens;
mod values;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::{Metadata, Package};

use self::events::Events;
use self::guide::GUIDE;
use crate::cargo::root;
use crate::metadata::{folder, libraries};
use crate::tidy::sources::{self, Source};

pub(super) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    check_in(&root(), metadata, breaches)
}

fn check_in(root: &Path, metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let mut names = BTreeMap::new();
    // A program for the command line writes to standard error for its user.
    for library in libraries(metadata).filter(|it| !is_program(it)) {
        let mut files = Vec::new();
        for source in sources::below(&folder(library).join("src"), "rs")? {
            let shown = source.shown();
            let file = syn::parse_file(&source.text);
            files.push((
                file.with_context(|| format!("cannot parse {shown}"))?,
                shown,
            ));
        }
        let events = Events::read(&files);
        breaches.extend(events.breaches);
        names.extend(events.names);
    }
    let guide = Source::read(root.join(GUIDE))?;
    guide::check(&guide.text, &names, breaches);
    Ok(())
}

fn is_program(package: &Package) -> bool {
    package.targets.iter().any(cargo_metadata::Target::is_bin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::Fixture;

    /// Checks a library with this code. The guide has rows and headings for these names.
    #[track_caller]
    fn breaches_of(code: &str, names: &[&str]) -> Vec<String> {
        let fixture = Fixture::package(&[("lib.rs", code)]);
        let rows = names.iter().map(|it| format!("| [`{it}`](#{it}) | x |\n"));
        let headings = names.iter().map(|it| format!("### {it}\n"));
        let text: String = rows.chain(headings).collect();
        fixture.write(
            GUIDE,
            &format!("# Guide\n\n## By event name\n\n{text}\n## By symptom\n"),
        );
        breaches_in(&fixture)
    }

    #[track_caller]
    fn breaches_in(fixture: &Fixture) -> Vec<String> {
        let mut breaches = Vec::new();
        check_in(fixture.folder(), &fixture.metadata(), &mut breaches).unwrap();
        let folder = fixture.folder().display().to_string() + "/";
        breaches.iter().map(|it| it.replace(&folder, "")).collect()
    }

    #[test]
    fn an_event_without_a_name_is_a_breach() {
        for code in [
            "fn f() { tracing::warn!(\"slow\"); }",
            "fn f() { error!(target: \"a\", lost, \"slow\"); }",
            "fn f() { tracing::warn!(lost, event.name = \"slow\", \"slow\"); }",
            "fn f() { tracing::warn!(name: \"slow\", { lost, event.name = \"slow\" }, \"slow\"); }",
            "fn f() { tracing::event!(Level::WARN, \"slow\"); }",
            "fn f() { tokio::select! { _ = x => { warn!(\"slow\"); } } }",
            "macro_rules! m { () => { tracing::error!(\"slow\") } }",
            "impl A { fn f() { match x { Err(_) => warn!(\"slow\"), _ => {} } } }",
            "static M: Metadata = Metadata::new(\"slow\", \"t\", Level::WARN, FieldSet::new(&[\"message\"], C), Kind::EVENT);",
            "fn f() { eprintln!(\"slow\"); }",
            "fn f() { let _ = writeln!(io::stderr(), \"slow\"); }",
        ] {
            let breaches = breaches_of(code, &["slow"]);
            assert!(
                breaches[0].starts_with("src/lib.rs:1: "),
                "{code}: {breaches:?}"
            );
        }
    }

    #[test]
    fn an_event_with_a_name_that_the_guide_has_is_no_breach() {
        for code in [
            "fn f() { tracing::warn!(name: \"slow\", { event.name = \"slow\" }, \"too slow\"); }",
            "const SLOW: &str = \"slow\"; fn f() { error!(name: SLOW, target: \"t\", { event.name = SLOW, lost }, \"too slow\"); }",
            "fn f() { event!(name: \"slow\", Level::ERROR, { event.name = \"slow\" }, \"too slow\"); }",
            "impl Kind { fn as_str(self) -> &'static str { match self { Self::Slow => \"slow\" } } }
             fn f(kind: Kind) { warn!({ event.name = kind.as_str() }, \"{kind}\"); }",
            "const SLOW: &str = \"slow\"; impl W { fn new() -> Self { W { event_name: SLOW, text: String::new() } } }
             fn f(w: W) { warn!({ event.name = w.event_name }, \"{w}\"); }",
            "static M: Metadata = Metadata::new(\"slow\", \"t\", Level::WARN, FieldSet::new(&[\"message\", \"event.name\"], C), Kind::EVENT);",
            "fn f() { eprintln!(\"too slow event.name=\\\"slow\\\"\"); }",
            "fn f() { let _ = writeln!(io::stderr(), \"too slow event.name=slow\"); }",
        ] {
            assert_eq!(breaches_of(code, &["slow"]), Vec::<String>::new(), "{code}");
        }
    }

    #[test]
    fn events_of_other_levels_and_of_tests_need_no_name() {
        let code = "fn f() { tracing::info!(\"slow\"); event!(Level::INFO, \"slow\"); write!(f, \"slow\"); }
            static M: Metadata = Metadata::new(\"slow\", \"t\", Level::WARN, FieldSet::new(&[\"message\"], C), Kind::SPAN);
            #[cfg(test)] mod tests { fn f() { warn!(\"slow\"); eprintln!(\"slow\"); } }";
        assert_eq!(breaches_of(code, &[]), Vec::<String>::new());
    }

    #[test]
    fn a_name_is_fixed_and_in_snake_case_and_the_name_of_the_record_too() {
        for (code, text) in [
            (
                "fn f() { warn!({ event.name = format!(\"s\") }, \"x\"); }",
                "is not known here",
            ),
            (
                "fn f() { warn!({ event.name = other() }, \"x\"); }",
                "is not known here",
            ),
            (
                "fn f() { warn!({ event.name = \"slow\" }, \"x\"); }",
                "`name:` is not \"slow\"",
            ),
            (
                "fn f() { warn!(name: \"quick\", { event.name = \"slow\" }, \"x\"); }",
                "`name:` is not",
            ),
            (
                "fn f() { warn!(name: \"Too slow\", { event.name = \"Too slow\" }, \"x\"); }",
                "is not in snake case",
            ),
        ] {
            let breaches = breaches_of(code, &["slow"]);
            assert!(breaches[0].contains(text), "{code}: {breaches:?}");
        }
    }

    #[test]
    fn names_and_anchors_belong_together() {
        let code = "fn f() { warn!(name: \"slow\", { event.name = \"slow\" }, \"too slow\"); }";
        assert_eq!(
            breaches_of(code, &[]),
            [
                "docs/troubleshooting.md: the table in \"## By event name\" has no row for the event `slow` of src/lib.rs:1"
            ]
        );
        assert_eq!(
            breaches_of(code, &["quick", "slow"]),
            ["docs/troubleshooting.md: no WARN or ERROR has the name `quick`"]
        );
        let fixture = Fixture::package(&[("lib.rs", code)]);
        for (section, breach) in [
            (
                "| [`slow`](#slow) | x |\n| [`slow`](#slow) | x |\n",
                "`slow` has two rows",
            ),
            (
                "| [`slow`](other.md#quick) | x |\n",
                "the row of `slow` links to other.md#quick, not to an anchor of this name",
            ),
            (
                "| [`slow`](other.md#slow) | x |\n### quick\n",
                "no WARN or ERROR has the name `quick`",
            ),
        ] {
            fixture.write(GUIDE, &format!("# Guide\n\n## By event name\n\n{section}"));
            assert_eq!(breaches_in(&fixture), [format!("{GUIDE}: {breach}")]);
        }
    }
}
