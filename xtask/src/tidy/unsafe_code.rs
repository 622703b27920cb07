//! One function of one library is unsafe.

use anyhow::Context as _;
use cargo_metadata::{Metadata, Package};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use serde_json::Value;

use crate::metadata::{folder, libraries};
use crate::tidy::sources::{self, Source};

/// The library that may have unsafe code. The lints of all others forbid it.
pub(super) const UNSAFE_LIBRARY: &str = "otel-tracing";

/// The function that may be unsafe, since the trait that declares it requires it.
const UNSAFE_FUNCTION: &str = "downcast_raw";

/// Unsafe code is only allowed in the file that `unsafe-file` in the manifest's section `[package.metadata.tidy]` names:
/// one function, with a comment that proves it.
pub(super) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    for library in libraries(metadata).filter(|it| it.name.as_str() == UNSAFE_LIBRARY) {
        check_library(library, breaches)?;
    }
    Ok(())
}

fn check_library(library: &Package, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let allowed = library.metadata.pointer("/tidy/unsafe-file");
    let allowed = allowed.and_then(Value::as_str);
    let allowed = allowed.map(|path| folder(library).join(path));
    for source in sources::below(folder(library), "rs")? {
        let file = source.shown();
        let tokens = source.text.parse();
        let tokens = tokens.map_err(|error| anyhow::anyhow!("{error}"));
        let tokens = tokens.with_context(|| format!("cannot parse {file}"))?;
        let mut found = Found::default();
        found.add(tokens, false);
        if allowed.as_ref() == Some(&source.path) {
            check_file(&source, &found, breaches);
            continue;
        }
        let functions = found.functions.iter().map(|(_, line)| line);
        for line in functions
            .chain(&found.blocks)
            .chain(&found.others)
            .chain(&found.lint_levels)
        {
            breaches.push(format!(
                "{file}:{line}: unsafe code is not allowed in this file, only in the one that the manifest names as unsafe-file"
            ));
        }
    }
    Ok(())
}

fn check_file(source: &Source, found: &Found, breaches: &mut Vec<String>) {
    let file = source.shown();
    let names: Vec<_> = found.functions.iter().map(|(name, _)| name).collect();
    if names != [UNSAFE_FUNCTION] {
        breaches.push(format!(
            "{file}: the unsafe functions are {names:?}; only one is allowed, {UNSAFE_FUNCTION}"
        ));
    }
    for (name, line) in &found.functions {
        if !has_proof(&source.text, *line) {
            breaches.push(format!(
                "{file}:{line}: {name} has no comment before it that starts with `SAFETY:`; add one that proves the function"
            ));
        }
    }
    for line in &found.others {
        breaches.push(format!(
            "{file}:{line}: unsafe code is only allowed in the function {UNSAFE_FUNCTION}"
        ));
    }
}

/// Looks at the comments and attributes directly above a line. The first line has the number 1.
fn has_proof(text: &str, line: usize) -> bool {
    let above: Vec<_> = text.lines().take(line - 1).map(str::trim).collect();
    let mut above = above.iter().rev().take_while(|line| {
        let is_other_code = line.is_empty() || line.ends_with(['{', '}', ';']);
        line.starts_with("//") || !is_other_code
    });
    above.any(|line| line.starts_with("// SAFETY:"))
}

/// The lines with unsafe code. Tokens are read instead of syntax, so the bodies of macros count too.
#[derive(Default)]
struct Found {
    /// Names and lines.
    functions: Vec<(String, usize)>,
    /// In unsafe functions.
    blocks: Vec<usize>,
    /// Other blocks, traits, implementations, attributes and foreign functions.
    others: Vec<usize>,
    /// Attributes such as `#[allow(unsafe_code)]`.
    lint_levels: Vec<usize>,
}

impl Found {
    fn add(&mut self, tokens: TokenStream, is_in_unsafe_function: bool) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut is_unsafe_body_next = false;
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(ident) if ident == "unsafe" => {
                    let line = ident.span().start().line;
                    match tokens.get(index + 1..).unwrap_or_default() {
                        [TokenTree::Ident(next), TokenTree::Ident(name), ..] if next == "fn" => {
                            self.functions.push((name.to_string(), line));
                            is_unsafe_body_next = true;
                        }
                        [TokenTree::Group(_), ..] if is_in_unsafe_function => {
                            self.blocks.push(line);
                        }
                        _ => self.others.push(line),
                    }
                }
                TokenTree::Ident(ident) if ident == "unsafe_code" => {
                    self.lint_levels.push(ident.span().start().line);
                }
                TokenTree::Group(group) => {
                    let is_body = is_unsafe_body_next && group.delimiter() == Delimiter::Brace;
                    is_unsafe_body_next &= !is_body;
                    self.add(group.stream(), is_in_unsafe_function || is_body);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::fixture::{Fixture, manifest};

    const ALLOWED: &str = "src/shim/raw.rs";
    const PROVED: &str = "// SAFETY: the pointer is that of a field.\n#[expect(unsafe_code)]\n\
                          unsafe fn downcast_raw() { unsafe { other() } }\n";

    /// Checks the library with these files. The manifest allows unsafe code in one of them.
    fn breaches_of(files: &[(&str, &str)]) -> Vec<String> {
        let fixture = Fixture::empty();
        let metadata = format!("[package.metadata.tidy]\nunsafe-file = \"{ALLOWED}\"\n");
        let manifest = manifest(UNSAFE_LIBRARY);
        fixture.write("Cargo.toml", &format!("{manifest}[workspace]\n{metadata}"));
        fixture.write("src/lib.rs", "");
        for (path, text) in files {
            fixture.write(path, text);
        }
        let mut breaches = Vec::new();
        check(&fixture.metadata(), &mut breaches).unwrap();
        let folder = fixture.folder().display().to_string() + "/";
        breaches.iter().map(|it| it.replace(&folder, "")).collect()
    }

    #[test]
    fn the_file_that_the_manifest_names_may_be_missing() {
        let safe = "//! Nothing is unsafe here.\nfn main() {}\n";
        assert_eq!(breaches_of(&[("src/lib.rs", safe)]), Vec::<String>::new());
        assert_eq!(breaches_of(&[("src/lib.rs", PROVED)]).len(), 3);
    }

    #[test]
    fn other_files_have_no_unsafe_code() {
        let unsafes = [
            "fn f() { unsafe { g() } }\n",
            "unsafe fn f() {}\n",
            "struct A;\nunsafe impl Send for A {}\n",
            "#![allow(unsafe_code)]\n",
            "mod m {\n    #![expect(unsafe_code)]\n}\n",
            "macro_rules! m { () => { unsafe { g() } } }\n",
        ];
        for text in unsafes {
            for path in ["src/lib.rs", "src/shim/other.rs", "tests/all.rs"] {
                let breaches = breaches_of(&[(ALLOWED, PROVED), (path, text)]);
                assert_eq!(breaches.len(), 1, "{text}: {breaches:?}");
                assert!(breaches[0].starts_with(&format!("{path}:")), "{breaches:?}");
            }
        }

        let safe =
            "// unsafe { }\n/// Calls `unsafe` code.\nfn f() -> &'static str { \"unsafe\" }\n";
        let files = [(ALLOWED, PROVED), ("src/lib.rs", safe)];
        assert_eq!(breaches_of(&files), Vec::<String>::new());
    }

    #[test]
    fn only_one_function_is_unsafe() {
        let misnamed = PROVED.replace("downcast_raw", "cast");
        let none = "fn downcast_raw() {}\n";
        for (text, names) in [
            (
                PROVED.repeat(2).as_str(),
                r#"["downcast_raw", "downcast_raw"]"#,
            ),
            (misnamed.as_str(), r#"["cast"]"#),
            (none, "[]"),
        ] {
            assert_eq!(
                breaches_of(&[(ALLOWED, text)]),
                [format!(
                    "{ALLOWED}: the unsafe functions are {names}; only one is allowed, downcast_raw"
                )]
            );
        }
        let in_trait = format!("impl Layer for A {{\n{PROVED}}}\n");
        for text in [PROVED, in_trait.as_str()] {
            assert_eq!(breaches_of(&[(ALLOWED, text)]), Vec::<String>::new());
        }
    }

    #[test]
    fn nothing_else_in_the_file_is_unsafe() {
        for other in ["unsafe impl Send for A {}\n", "fn f() { unsafe { g() } }\n"] {
            assert_eq!(
                breaches_of(&[(ALLOWED, &(PROVED.to_owned() + other))]),
                [format!(
                    "{ALLOWED}:4: unsafe code is only allowed in the function downcast_raw"
                )]
            );
        }
    }

    #[test]
    fn the_function_is_proved() {
        let far = PROVED.replace("#[expect", "fn other() {}\n\n#[expect");
        let missing = PROVED.replace("// SAFETY:", "//");
        for (text, line) in [(far.as_str(), 5), (missing.as_str(), 3)] {
            assert_eq!(
                breaches_of(&[(ALLOWED, text)]),
                [format!(
                    "{ALLOWED}:{line}: downcast_raw has no comment before it that starts with `SAFETY:`; add one that proves the function"
                )]
            );
        }
        let long = PROVED.replace("field.\n", "field.\n// The field is not moved;\n");
        let on_lines = PROVED.replace("(unsafe_code)", "(\n    unsafe_code,\n)");
        for text in [long, on_lines] {
            assert_eq!(breaches_of(&[(ALLOWED, &text)]), Vec::<String>::new());
        }
    }
}
