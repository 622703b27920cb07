//! A link in a guide leads somewhere: to a file, and to a heading of it.

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
            if !leads_somewhere(&guide, &text, link)? {
                breaches.push(format!("{shown}: the link to {link} leads nowhere"));
            }
        }
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The targets of `[text](target)` outside of code, those on the web left out.
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

fn leads_somewhere(guide: &Path, text: &str, link: &str) -> anyhow::Result<bool> {
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

/// As the usual hosts make it of a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let keeps = |letter: &char| letter.is_alphanumeric() || " -_".contains(*letter);
    text.chars()
        .filter(keeps)
        .collect::<String>()
        .replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stand_in_prose_and_lead_into_the_repository() {
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
