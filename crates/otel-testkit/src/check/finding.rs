//! Which rules the spans break.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use opentelemetry::trace::SpanKind;
use serde_json::{Value, json};

use super::{
    outcome::{Answered, Outcome},
    request::Decision,
    split::name,
};
use crate::{span::Span, trace::Trace};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// Traces are broken, or cannot be attributed.
    Problem,
    /// It works, but not as it should.
    Warning,
}

/// Something that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    severity: Severity,
    kind: &'static str,
    text: String,
}

impl Finding {
    pub(super) fn new(severity: Severity, kind: &'static str, text: String) -> Self {
        Self {
            severity,
            kind,
            text,
        }
    }

    /// Returns how much it matters.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns what it is about, such as `split`, `lost`, `orphan`, `service-name`, `span-kind`, `old-attributes`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Returns the finding in words.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn to_json(&self) -> Value {
        let severity = match self.severity {
            Severity::Problem => "problem",
            Severity::Warning => "warning",
        };
        json!({"severity": severity, "kind": self.kind, "text": self.text})
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.severity {
            Severity::Problem => "PROBLEM",
            Severity::Warning => "WARNING",
        };
        write!(f, "{mark}  {}", self.text)
    }
}

pub(super) fn find(answered: &[Answered<'_>], traces: &[Trace], findings: &mut Vec<Finding>) {
    let mut add = |severity, kind, text| {
        let finding = Finding::new(severity, kind, text);
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    };
    requests(answered, &mut add);
    let callers: BTreeSet<_> = answered
        .iter()
        .map(|it| it.asked.span_id.to_bytes())
        .collect();
    for trace in traces {
        for span in trace.orphans() {
            let parent = span.parent_span_id();
            let known = parent.is_some_and(|parent| callers.contains(&parent.to_bytes()));
            // A malformed header may have been read after all; that is found elsewhere.
            if !known {
                let text = format!("the parent of {} was never exported", describe(span));
                add(Severity::Problem, "orphan", text);
            }
        }
        for span in trace.spans() {
            match span.service() {
                Some(service) if !service.starts_with("unknown_service") => {}
                _ => {
                    let text = format!("{:?} has no service.name in its resource", span.name());
                    add(Severity::Problem, "service-name", text);
                }
            }
        }
    }
    for (service, keys) in old_names(traces) {
        let text = format!("{service} uses old attribute names: {}", keys.join(", "));
        add(Severity::Warning, "old-attributes", text);
    }
}

fn requests(answered: &[Answered<'_>], add: &mut impl FnMut(Severity, &'static str, String)) {
    for it in answered {
        let asked = it.asked;
        let decision = asked.decision;
        let request = format!("{} {}", asked.format.as_str(), decision.as_str());
        let request = request.trim();
        if let Some(entry) = it.entry
            && *entry.kind() != SpanKind::Server
        {
            let kind = format!("{:?}", entry.kind()).to_uppercase();
            let text = format!(
                "{} answers a request but is of kind {kind}, not SERVER",
                describe(entry)
            );
            add(Severity::Problem, "span-kind", text);
        }
        match (it.outcome, decision) {
            (Outcome::Lost, _) => {
                let text = format!("no span came for {} ({request})", asked.url);
                add(Severity::Problem, "lost", text);
            }
            (Outcome::Detached, _) => {
                let text = format!(
                    "{} takes the trace id of its caller but not its span id ({request})",
                    asked.url
                );
                add(Severity::Problem, "detached", text);
            }
            (Outcome::Continued, Decision::Malformed) => {
                let text = format!("{} reads a malformed {request} header", asked.url);
                add(Severity::Problem, "malformed", text);
            }
            (Outcome::Continued, Decision::NotSampled) => {
                let text = format!(
                    "{} records although the caller does not ({request})",
                    asked.url
                );
                add(Severity::Warning, "not-sampled", text);
            }
            _ => {}
        }
    }
    for url in super::report::urls(answered) {
        let mut own = answered.iter().filter(|it| it.asked.url == url);
        let caught = own.any(|it| {
            let caught = matches!(it.outcome, Outcome::Continued | Outcome::Linked);
            caught && it.asked.decision == Decision::Sampled
        });
        if !caught {
            let text = format!("{url} continues no trace, in whatever format it is sent");
            add(Severity::Problem, "no-format", text);
        }
    }
}

/// The old names that each service uses.
fn old_names(traces: &[Trace]) -> BTreeMap<&str, Vec<&'static str>> {
    let mut used: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
    for span in traces.iter().flat_map(Trace::spans) {
        for key in OLD_NAMES {
            if span.attribute(key).is_some() {
                let keys = used.entry(name(span)).or_default();
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
    }
    used
}

fn describe(span: &Span) -> String {
    format!("{:?} ({})", span.name(), name(span))
}

/// From before the stable HTTP conventions (semantic conventions 1.23).
const OLD_NAMES: [&str; 18] = [
    "http.method",
    "http.status_code",
    "http.url",
    "http.target",
    "http.scheme",
    "http.host",
    "http.flavor",
    "http.user_agent",
    "http.client_ip",
    "http.server_name",
    "http.request_content_length",
    "http.response_content_length",
    "net.peer.name",
    "net.peer.port",
    "net.peer.ip",
    "net.host.name",
    "net.host.port",
    "net.host.ip",
];
