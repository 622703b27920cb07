//! The file of `--html`.

use std::{fs, path::Path};

use otel_testkit::{HtmlPage, LogLine, Span, Trace};

/// A web page of the latest traces: as many as a browser shows well and the memory limit allows.
#[derive(Debug)]
pub(super) struct Page<'a> {
    file: &'a Path,
    traces: Vec<Trace>,
    memory_limit: usize,
}

impl<'a> Page<'a> {
    /// Writes a page without traces.
    pub(super) fn new(file: &'a Path, memory_limit: usize) -> Result<Self, String> {
        let page = Self {
            file,
            traces: Vec::new(),
            memory_limit,
        };
        page.write(&[])?;
        Ok(page)
    }

    /// Adds traces, drops the oldest ones above the limits, and writes the page again.
    pub(super) fn add(&mut self, traces: Vec<Trace>, logs: &[LogLine]) -> Result<(), String> {
        self.traces.extend(traces);
        let (mut spans, mut bytes) = (0, 0);
        let newest = self.traces.iter().rev().take(MAX_TRACES);
        let kept = newest.take_while(|trace| {
            spans += trace.spans().len();
            bytes += trace.spans().iter().map(Span::weight).sum::<usize>();
            spans <= MAX_SPANS && bytes <= self.memory_limit
        });
        // The newest trace is kept even if it alone is above a limit.
        let dropped = self.traces.len().saturating_sub(kept.count().max(1));
        self.traces.drain(..dropped);
        self.write(logs)
    }

    /// Writes a second file and renames it, so that a browser never reads half a page.
    fn write(&self, logs: &[LogLine]) -> Result<(), String> {
        let page = HtmlPage::new(&self.traces, logs).to_string();
        let unfinished = self.file.with_extension("html.part");
        fs::write(&unfinished, page)
            .and_then(|()| fs::rename(&unfinished, self.file))
            .map_err(|error| format!("cannot write {}: {error}", self.file.display()))
    }
}

const MAX_TRACES: usize = 200;
const MAX_SPANS: usize = 20_000;
