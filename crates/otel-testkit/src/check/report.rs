//! What a check has found, as text and as JSON.

use std::{collections::BTreeSet, fmt};

use serde_json::{Value, json};

use super::{
    finding::{Finding, Severity},
    outcome::Answered,
    split,
};
use crate::{span::Span, trace::Trace};

/// What became of each request, and what is wrong.
///
/// `Display` shows it for people.
#[derive(Clone, Debug)]
pub struct CheckReport {
    services: Vec<Service>,
    findings: Vec<Finding>,
}

/// One URL that was asked.
#[derive(Clone, Debug)]
struct Service {
    url: String,
    name: Option<String>,
    reads: Vec<&'static str>,
    requests: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    format: &'static str,
    decision: &'static str,
    outcome: &'static str,
    status: u16,
    trace_id: Option<String>,
    spans: usize,
    /// The services of its trace, in the order in which they come in.
    path: Vec<String>,
}

impl CheckReport {
    pub(super) fn new(answered: &[Answered<'_>], mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.severity() != Severity::Problem);
        let services = urls(answered)
            .into_iter()
            .map(|url| Service::new(url, answered));
        Self {
            services: services.collect(),
            findings,
        }
    }

    /// Returns whether there is no [problem](Severity::Problem); warnings may be.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        let is_problem = |finding: &Finding| finding.severity() == Severity::Problem;
        !self.services.is_empty() && !self.findings.iter().any(is_problem)
    }

    /// Returns what was found, problems first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Asserts that there is no problem.
    ///
    /// # Panics
    ///
    /// Panics with the whole report if there is one.
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
        let problems = self
            .findings
            .iter()
            .filter(|it| it.severity() == Severity::Problem)
            .count();
        match (problems, self.findings.len() - problems) {
            (0, 0) => writeln!(f, "nothing is wrong"),
            (problems, warnings) => {
                let (problems, warnings) = (count(problems, "problem"), count(warnings, "warning"));
                writeln!(f, "{problems}, {warnings}")
            }
        }
    }
}

impl Service {
    fn new(url: &str, answered: &[Answered<'_>]) -> Self {
        let own = || answered.iter().filter(|it| it.asked.url == url);
        let name = own().find_map(|it| it.entry?.service());
        let reads = name.and_then(|name| split::reads(answered, name));
        Self {
            url: url.to_owned(),
            name: name.map(str::to_owned),
            reads: reads.unwrap_or_default().into_iter().collect(),
            requests: own().map(Row::new).collect(),
        }
    }

    fn to_json(&self) -> Value {
        let requests: Vec<Value> = self.requests.iter().map(Row::to_json).collect();
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
        for row in &self.requests {
            writeln!(f, "{row}")?;
        }
        Ok(())
    }
}

impl Row {
    fn new(answered: &Answered<'_>) -> Self {
        let spans = answered.trace.map_or(&[][..], Trace::spans);
        let mut seen = BTreeSet::new();
        let services = spans.iter().filter_map(Span::service);
        Self {
            format: answered.asked.format.as_str(),
            decision: answered.asked.decision.as_str(),
            outcome: answered.outcome.as_str(),
            status: answered.asked.status,
            trace_id: answered.trace.map(|trace| trace.id().to_string()),
            spans: spans.len(),
            path: services
                .filter(|service| seen.insert(*service))
                .map(str::to_owned)
                .collect(),
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

fn count(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The URLs in the order in which they were asked.
pub(super) fn urls<'a>(answered: &[Answered<'a>]) -> Vec<&'a str> {
    let mut urls: Vec<&str> = Vec::new();
    for it in answered {
        if !urls.contains(&it.asked.url.as_str()) {
            urls.push(&it.asked.url);
        }
    }
    urls
}
