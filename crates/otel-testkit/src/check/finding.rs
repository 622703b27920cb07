//! A finding and its severity.

use std::fmt;

use serde_json::{Value, json};

/// How serious a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Severity {
    /// Traces are broken, or their spans cannot be attributed to a service.
    Problem,
    /// Traces work, but a convention is not followed.
    Warning,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Warning => "warning",
        }
    }
}

/// Something that a check has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    severity: Severity,
    kind: &'static str,
    text: String,
}

impl Finding {
    /// Returns how serious the finding is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Returns the kind, such as `split`, `lost`, `orphan`, `service-name`, `span-kind` or `old-attributes`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Returns the description.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_problem(&self) -> bool {
        self.severity == Severity::Problem
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"severity": self.severity.as_str(), "kind": self.kind, "text": self.text})
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = self.severity.as_str().to_uppercase();
        write!(f, "{mark}  {}", self.text)
    }
}

/// The findings so far, each of them once.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn add_problem(&mut self, kind: &'static str, text: String) {
        self.add(Severity::Problem, kind, text);
    }

    pub(super) fn add_warning(&mut self, kind: &'static str, text: String) {
        self.add(Severity::Warning, kind, text);
    }

    /// Returns the problems, then the warnings.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| !finding.is_problem());
        self.0
    }

    fn add(&mut self, severity: Severity, kind: &'static str, text: String) {
        let finding = Finding {
            severity,
            kind,
            text,
        };
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }
}
