//! Each documented variable is named by a test, and each `OTEL_` or `K8S_` name in the sources is documented.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Whether `word` is what a variable is called: capitals with an underscore.
fn is_variable(word: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_uppercase() || it.is_ascii_digit() || it == '_';
    word.contains('_') && !word.ends_with('_') && word.chars().all(is_letter)
}

/// The variables in a text, each whole; a comment tests and reads nothing.
fn variables_of_code(text: &str) -> BTreeSet<String> {
    let lines = text.lines();
    let code = lines.filter(|line| !line.trim_start().starts_with("//"));
    variables(&code.collect::<Vec<_>>().join("\n"))
}

fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    words
        .filter(|it| is_variable(it))
        .map(str::to_owned)
        .collect()
}

/// The lines of the crate's docs under this heading.
fn section(heading: &str) -> Vec<String> {
    let lines = include_str!("../src/lib.rs").lines();
    let docs = lines.filter_map(|line| line.strip_prefix("//!"));
    let docs = docs.map(|line| line.trim().to_owned());
    let section = docs.skip_while(|line| line != heading).skip(1);
    section.take_while(|line| !line.starts_with("# ")).collect()
}

/// The names in the first column of the table of variables, those of each signal, and those of the resource.
fn documented() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for row in section("# Variables") {
        if let Some(row) = row.strip_prefix("| `") {
            names.extend(variables(row.split('|').next().unwrap()));
        }
    }
    assert!(
        names.contains("OTEL_SERVICE_NAME"),
        "the table has moved: {names:?}"
    );
    for name in names.clone() {
        let setting = name.strip_prefix("OTEL_EXPORTER_OTLP_");
        let for_all = setting.filter(|it| !it.starts_with("METRIC") && *it != "SPAN_INSECURE");
        for signal in ["TRACES", "METRICS", "LOGS"] {
            names.extend(for_all.map(|it| format!("OTEL_EXPORTER_OTLP_{signal}_{it}")));
        }
    }
    let resource = variables(&section("# Resource").join("\n"));
    assert!(
        resource.contains("K8S_POD_NAME"),
        "the section has moved: {resource:?}"
    );
    names.extend(resource);
    names
}

/// The text of each source file, its unit tests apart.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() {
            texts.extend(sources(&path));
        } else if path.file_name().unwrap() != "variables.rs" {
            let text = fs::read_to_string(&path).unwrap();
            let (source, tests) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
            texts.push((source.to_owned(), tests.to_owned()));
        }
    }
    texts
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[test]
fn each_documented_variable_is_named_in_a_test() {
    let units = sources(&folder("src")).into_iter().map(|(_, tests)| tests);
    let files = sources(&folder("tests")).into_iter().map(|(text, _)| text);
    let tested = variables_of_code(&units.chain(files).collect::<Vec<_>>().join("\n"));
    let untested: Vec<_> = documented().difference(&tested).cloned().collect();
    assert_eq!(
        untested, [""; 0],
        "write a test that fails where it is ignored"
    );
}

#[test]
fn each_variable_that_is_read_is_documented() {
    let documented = documented();
    for (source, _) in sources(&folder("src")) {
        let read = variables_of_code(&source);
        let mut read = read
            .iter()
            .filter(|it| it.starts_with("OTEL_") || it.starts_with("K8S_"));
        let hidden = read.find(|name| !documented.contains(*name));
        assert_eq!(hidden, None, "add it to the docs of the crate");
    }
}
