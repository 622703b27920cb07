//! Each link in a guide leads to an existing file and heading.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::cargo::root;

pub(super) fn check(breaches: &mut Vec<String>) -> anyhow::Result<()> {
    let mut guides = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    for entry in fs::read_dir(root().join("docs"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            guides.push(path);
        }
    }
    guides.sort();
    for guide in guides {
        let text = read(&guide)?;
        let shown = guide.strip_prefix(root()).unwrap_or(&guide).display();
        for link in links(&text) {
            if !has_target(&guide, &text, link)? {
                breaches.push(format!(
                    "{shown}: the link to {link} does not lead to an existing file and heading"
                ));
            }
        }
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
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

fn has_target(guide: &Path, text: &str, link: &str) -> anyhow::Result<bool> {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let folder = guide.parent().unwrap_or(guide);
    let path = folder.join(file);
    if !file.is_empty() && !path.exists() {
        return Ok(false);
    }
    if heading.is_empty() {
        return Ok(true);
    }
    let text = if file.is_empty() {
        text.to_owned()
    } else {
        read(&path)?
    };
    let mut anchors = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(anchor);
    Ok(anchors.any(|anchor| anchor == heading))
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
