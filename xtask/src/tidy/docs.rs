//! The docs of a public item start with one plain sentence.

use cargo_metadata::Metadata;

use crate::metadata::{folder, libraries};
use crate::tidy::sources::{self, Source};

pub(crate) fn check(metadata: &Metadata, breaches: &mut Vec<String>) -> anyhow::Result<()> {
    for library in libraries(metadata) {
        for source in sources::below(&folder(library).join("src"), "rs")? {
            // clap shows doc comments in `--help`, where lines end without a full stop.
            if !source.text.contains("clap::") {
                check_source(&source, breaches);
            }
        }
    }
    Ok(())
}

fn check_source(source: &Source, breaches: &mut Vec<String>) {
    let mut paragraph: Option<(usize, String)> = None;
    let mut inside = false;
    for (index, line) in source.lines_without_tests().enumerate() {
        let text = doc_text(line);
        match (text, inside, &mut paragraph) {
            (Some(text), false, _) => {
                paragraph = Some((index + 1, text.to_owned()));
            }
            (Some(""), true, Some(_)) | (None, true, Some(_)) => {
                report(source, paragraph.take(), breaches);
            }
            (Some(text), true, Some((_, gathered))) => {
                gathered.push(' ');
                gathered.push_str(text);
            }
            _ => {}
        }
        // A macro writes some lines of a doc comment as attributes.
        inside = text.is_some() || (inside && line.trim_start().starts_with("#[doc"));
    }
}

fn doc_text(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = line
        .strip_prefix("///")
        .or_else(|| line.strip_prefix("//!"))?;
    Some(text.trim())
}

fn report(source: &Source, paragraph: Option<(usize, String)>, breaches: &mut Vec<String>) {
    let Some((line, text)) = paragraph else {
        return;
    };
    let text = text.trim_end_matches(')');
    let starts_well = text.starts_with(|first: char| {
        first.is_uppercase() || first == '`' || first == '[' || first == '"'
    });
    if !starts_well || !text.ends_with(['.', ':']) {
        let file = source.shown();
        breaches.push(format!("{file}:{line}: \"{text}\" is not a sentence with a capital and a full stop; docs start with one"));
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn breaches_of(text: &str) -> Vec<String> {
        let mut breaches = Vec::new();
        let source = Source {
            path: PathBuf::from("x.rs"),
            text: text.to_owned(),
        };
        check_source(&source, &mut breaches);
        breaches
    }

    #[test]
    fn only_the_first_paragraph_counts() {
        assert!(
            breaches_of("/// Reads a header\n/// of two lines.\n///\n/// and more\nfn read() {}\n")
                .is_empty()
        );
        assert!(breaches_of("//! The spans.\n\n/// A span.\nstruct Span;\n").is_empty());
    }

    #[test]
    fn a_sentence_without_its_end_is_a_breach() {
        assert_eq!(breaches_of("/// Reads a header\nfn read() {}\n").len(), 1);
        assert_eq!(breaches_of("/// reads a header.\nfn read() {}\n").len(), 1);
    }
}
