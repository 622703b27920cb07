//! Traces as a self-contained web page.

mod data;

use std::fmt;

use serde_json::Value;

use crate::{log_line::LogLine, trace::Trace};

/// A web page of traces, which `Display` writes: a waterfall with zoom, the details of each span, and log lines.
///
/// The page loads nothing from the network, and supports light and dark mode. Errors are red. In a CLIENT span, the time before
/// and after its SERVER span (network and queues) is hatched. The contents of spans and log lines are shown as text and are
/// never executed.
///
/// # Examples
///
/// ```
/// use otel_testkit::{HtmlPage, Recorder};
///
/// let recorder = Recorder::new();
/// tracing::subscriber::with_default(recorder.subscriber(), || tracing::info_span!("work").in_scope(|| ()));
/// let page = HtmlPage::new(&recorder.traces(), &recorder.logs()).to_string();
/// assert!(page.starts_with("<!doctype html>"));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a page does nothing until it is displayed"]
pub struct HtmlPage {
    data: Value,
}

impl HtmlPage {
    /// Creates a page of these traces. Each trace has the log lines with its trace id.
    pub fn new(traces: &[Trace], logs: &[LogLine]) -> Self {
        let traces = traces.iter().map(|trace| trace.to_json(logs));
        Self {
            data: traces.collect(),
        }
    }
}

impl fmt::Display for HtmlPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Escaped, so that no text can end the script element.
        let data = self.data.to_string().replace('<', "\\u003c");
        let mut page = PAGE;
        for (place, content) in [
            ("/*STYLE*/", STYLE),
            ("/*DATA*/", data.as_str()),
            ("/*SCRIPT*/", SCRIPT),
        ] {
            let (before, after) = page.split_once(place).unwrap_or((page, ""));
            f.write_str(before)?;
            f.write_str(content)?;
            page = after;
        }
        f.write_str(page)
    }
}

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{span, trace};

    #[test]
    fn span_contents_stay_data() {
        let hostile = "</script><script>alert(1)</script>";
        let trace = trace(vec![span(1, 0, hostile, 0, 1).build()]);
        let page = HtmlPage::new(&[trace], &[]).to_string();
        assert!(!page.contains(hostile));
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.contains("/*"), "a placeholder or a comment is left");
    }

    #[test]
    fn the_page_loads_nothing() {
        let page = HtmlPage::new(&[], &[]).to_string();
        for outside in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
