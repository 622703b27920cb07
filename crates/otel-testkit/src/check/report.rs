//! The result of a check, as text and as JSON.

use std::fmt;

use serde_json::{Value, json};

use super::{
    finding::Finding,
    outcome::{Answer, distinct, formats_read_by, urls},
};
use crate::{picture::count, span::Span, trace::Trace};

/// The outcome of each request, and the findings.
///
/// `Display` writes a report for people.
#[derive(Clone, Debug)]
pub struct CheckReport {
    services: Vec<Service>,
    findings: Vec<Finding>,
}

/// The service behind a URL.
#[derive(Clone, Debug)]
struct Service {
    url: String,
    name: Option<String>,
    reads: Vec<&'static str>,
    rows: Vec<Row>,
}

/// One request.
#[derive(Clone, Debug)]
struct Row {
    format: &'static str,
    decision: &'static str,
    outcome: &'static str,
    status: u16,
    trace_id: Option<String>,
    spans: usize,
    /// The services of the trace, in the order in which they appear.
    path: Vec<String>,
}

impl CheckReport {
    pub(super) fn new(answers: &[Answer<'_>], findings: Vec<Finding>) -> Self {
        let services = urls(answers)
            .into_iter()
            .map(|url| Service::new(url, answers));
        Self {
            services: services.collect(),
            findings,
        }
    }

    /// Returns whether requests were sent and no [problem](crate::Severity::Problem) was found. The report may have warnings.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        !self.services.is_empty() && !self.findings.iter().any(Finding::is_problem)
    }

    /// Returns the findings, problems first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Asserts that [no problem](Self::is_ok) was found.
    ///
    /// # Panics
    ///
    /// Panics and shows the report if a problem was found or no request was sent.
    #[track_caller]
    pub fn assert_ok(&self) {
        assert!(self.is_ok(), "{self}");
    }

    /// Returns the report as JSON: `ok`, `services` with their `requests`, and `findings`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let services: Vec<Value> = self.services.iter().map(Service::to_json).collect();
        let findings: Vec<Value> = self.findings.iter().map(Finding::to_json).collect();
        json!({"ok": self.is_ok(), "services": services, "findings": findings})
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for service in &self.services {
            writeln!(f, "{service}")?;
        }
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        if self.findings.is_empty() {
            return writeln!(f, "nothing is wrong");
        }
        let problems = self.findings.iter().filter(|it| it.is_problem()).count();
        let warnings = self.findings.len() - problems;
        let (problems, warnings) = (count(problems, "problem"), count(warnings, "warning"));
        writeln!(f, "{problems}, {warnings}")
    }
}

impl Service {
    fn new(url: &str, answers: &[Answer<'_>]) -> Self {
        let own: Vec<_> = answers.iter().filter(|it| it.request.url == url).collect();
        let name = own.iter().find_map(|it| it.entry?.service());
        let reads = name.and_then(|name| formats_read_by(answers, name));
        Self {
            url: url.to_owned(),
            name: name.map(str::to_owned),
            reads: reads.unwrap_or_default().into_iter().collect(),
            rows: own.into_iter().map(Row::new).collect(),
        }
    }

    fn to_json(&self) -> Value {
        let requests: Vec<Value> = self.rows.iter().map(Row::to_json).collect();
        json!({
            "url": self.url,
            "service": self.name,
            "reads": self.reads,
            "requests": requests,
        })
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("a service without a name");
        let reads = match self.reads.as_slice() {
            [] => "no format".to_owned(),
            formats => formats.join(", "),
        };
        writeln!(f, "{name} reads {reads} · {}", self.url)?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}

impl Row {
    fn new(answer: &Answer<'_>) -> Self {
        let spans = answer.trace.map_or(&[][..], Trace::spans);
        let path = distinct(spans.iter().filter_map(Span::service)).into_iter();
        Self {
            format: answer.request.format.as_str(),
            decision: answer.request.decision.as_str(),
            outcome: answer.outcome.as_str(),
            status: answer.request.status,
            trace_id: answer.trace.map(|trace| trace.id().to_string()),
            spans: spans.len(),
            path: path.map(str::to_owned).collect(),
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "format": self.format,
            "decision": self.decision,
            "outcome": self.outcome,
            "status": self.status,
            "trace_id": self.trace_id,
            "spans": self.spans,
            "services": self.path,
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            format,
            decision,
            outcome,
            status,
            spans,
            ..
        } = self;
        let path = self.path.join(" → ");
        let line = format!("  {format:12}  {decision:11}  {status}  {outcome:12}  ");
        let line = match spans {
            0 => line,
            1 => format!("{line}1 span   {path}"),
            _ => format!("{line}{spans} spans  {path}"),
        };
        f.write_str(line.trim_end())
    }
}
