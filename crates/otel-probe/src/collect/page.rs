//! The file of `--html`.

use std::{collections::VecDeque, fs, path::Path};

use otel_testkit::{HtmlPage, LogLine, Span, Trace};

/// A web page of the latest traces: as many as a browser shows well and the memory limit allows.
#[derive(Debug)]
pub(super) struct Page<'a> {
    file: &'a Path,
    traces: VecDeque<Trace>,
    spans: usize,
    /// The estimated memory of the traces.
    bytes: usize,
    memory_limit: usize,
}

impl<'a> Page<'a> {
    /// Writes a page without traces.
    pub(super) fn new(file: &'a Path, memory_limit: usize) -> Result<Self, String> {
        let mut page = Self {
            file,
            traces: VecDeque::new(),
            spans: 0,
            bytes: 0,
            memory_limit,
        };
        page.write(&[])?;
        Ok(page)
    }

    /// Adds traces, drops the oldest ones above the limits, and writes the page again.
    pub(super) fn add(&mut self, traces: Vec<Trace>, logs: &[LogLine]) -> Result<(), String> {
        for trace in traces {
            self.spans += trace.spans().len();
            self.bytes += weight(&trace);
            self.traces.push_back(trace);
            while self.traces.len() > 1 && self.is_over_limit() {
                if let Some(oldest) = self.traces.pop_front() {
                    self.spans -= oldest.spans().len();
                    self.bytes -= weight(&oldest);
                }
            }
        }
        self.write(logs)
    }

    fn is_over_limit(&self) -> bool {
        self.traces.len() > MAX_TRACES || self.spans > MAX_SPANS || self.bytes > self.memory_limit
    }

    /// Writes a second file and renames it, so that a browser never reads half a page.
    fn write(&mut self, logs: &[LogLine]) -> Result<(), String> {
        let page = HtmlPage::new(self.traces.make_contiguous(), logs).to_string();
        let unfinished = self.file.with_extension("html.part");
        fs::write(&unfinished, page)
            .and_then(|()| fs::rename(&unfinished, self.file))
            .map_err(|error| format!("cannot write {}: {error}", self.file.display()))
    }
}

fn weight(trace: &Trace) -> usize {
    trace.spans().iter().map(Span::weight).sum()
}

const MAX_TRACES: usize = 200;
const MAX_SPANS: usize = 20_000;
