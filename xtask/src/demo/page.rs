//! The demo as a web page.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use otel_testkit::{HtmlPage, LogLine, Trace};

pub(crate) fn write(file: &Path, traces: &[Trace], logs: &[(&str, LogLine)]) -> anyhow::Result<()> {
    let logs: Vec<_> = logs.iter().map(|(_, line)| line.clone()).collect();
    let page = HtmlPage::new(traces, &logs).to_string();
    fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))?;
    eprintln!("The page is {}; open it in a browser.\n", file.display());
    Ok(())
}
