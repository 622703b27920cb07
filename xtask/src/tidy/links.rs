//! Each link in a guide leads to an existing file and heading.

use std::path::Path;

use crate::cargo::root;
use crate::tidy::sources::{self, Source};

pub(super) fn check(breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let mut guides = sources::below(&root().join("docs"), "md")?;
    for name in ["README.md", "CONTRIBUTING.md"] {
        guides.push(Source::read(root().join(name))?);
    }
    for guide in guides {
        for link in links(&guide.text) {
            if !has_target(&guide.path, link)? {
                let guide = guide.shown();
                breaches.push(format!(
                    "{guide}: the link to {link} does not lead to an existing file and heading"
                ));
            }
        }
    }
    Ok(())
}

/// The targets of `[text](target)` outside of code, without addresses on the web.
fn links(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let prose = text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    let targets = prose.flat_map(|line| line.split("](").skip(1));
    targets
        .filter_map(|rest| Some(rest.split_once(')')?.0))
        .filter(|target| !target.contains("://"))
        .collect()
}

fn has_target(guide: &Path, link: &str) -> anyhow::Result<bool> {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let path = match file {
        "" => guide.to_path_buf(),
        _ => guide.with_file_name(file),
    };
    if heading.is_empty() || !path.exists() {
        return Ok(path.exists());
    }
    let text = Source::read(path)?.text;
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    Ok(headings.any(|line| anchor(line) == heading))
}

/// The anchor that common hosts of repositories make of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
        .collect::<String>()
        .replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_code_and_to_the_web_are_left_out() {
        let text = "[a](b.md) and [c](d.md#e)\n```\n[no](x.md)\n```\n[web](https://x.example)\n";
        assert_eq!(links(text), ["b.md", "d.md#e"]);
    }

    #[test]
    fn a_heading_has_an_anchor() {
        assert_eq!(
            anchor("## No `trace_id` in log lines"),
            "no-trace_id-in-log-lines"
        );
    }
}
