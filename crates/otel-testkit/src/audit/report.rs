//! The result of an audit, as text and as JSON.

use std::fmt;

use serde_json::{Value, json};

use crate::{leak::Leak, picture::count};

/// The places that show secrets of the audit.
///
/// `Display` writes a report for people.
#[derive(Clone, Debug)]
pub struct AuditReport {
    pub(super) exposures: Vec<Exposure>,
    pub(super) spans: usize,
    pub(super) lines: usize,
    pub(super) has_seen_requests: bool,
}

impl AuditReport {
    /// Returns whether spans of the audit's requests were received and no secret was found outside of allowed fields.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.has_seen_requests && !self.has_leaks()
    }

    /// Returns whether a secret was found outside of allowed fields.
    #[must_use]
    pub fn has_leaks(&self) -> bool {
        !self.exposures.iter().all(Exposure::is_allowed)
    }

    /// Returns whether spans of the audit's own requests were received. Other spans do not show what happens to the secrets.
    ///
    /// A span belongs to a request if it has the request's user agent. A SERVER span without any user agent also counts if it
    /// started a trace after the audit was created.
    #[must_use]
    pub fn has_seen_requests(&self) -> bool {
        self.has_seen_requests
    }

    /// Returns whether neither spans nor log lines were received.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans + self.lines == 0
    }

    /// Returns all places that show a secret, including allowed places.
    #[must_use]
    pub fn exposures(&self) -> &[Exposure] {
        &self.exposures
    }

    /// Asserts that the report [is safe](Self::is_safe).
    ///
    /// # Panics
    ///
    /// Panics with the report if it is not safe.
    #[track_caller]
    pub fn assert_safe(&self) {
        assert!(self.is_safe(), "{self}");
    }

    /// Returns the report as JSON: `safe`, `seen_requests`, `spans`, `log_lines`, and `exposures` with `source`, `field`,
    /// `place`, `form` and `allowed`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let exposures: Vec<Value> = self.exposures.iter().map(Exposure::to_json).collect();
        json!({
            "safe": self.is_safe(),
            "seen_requests": self.has_seen_requests,
            "spans": self.spans,
            "log_lines": self.lines,
            "exposures": exposures,
        })
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spans, lines, .. } = self;
        if self.is_empty() {
            return f.write_str("no span and no log line was received: no result\n");
        }
        for exposure in &self.exposures {
            let mark = if exposure.allowed { "allowed" } else { "LEAK" };
            let Exposure { source, leak, .. } = exposure;
            writeln!(f, "{mark:7}  {source}: {leak}")?;
        }
        let leaks = self.exposures.iter().filter(|it| !it.allowed).count();
        write!(f, "{spans} spans and {lines} log lines searched: ")?;
        match leaks {
            0 if !self.has_seen_requests => {
                writeln!(f, "no span of the audit's requests was received: no result")
            }
            0 => writeln!(f, "no secret was found"),
            _ => writeln!(f, "secrets were found in {}", count(leaks, "place")),
        }
    }
}

/// A place that shows a secret of the audit.
#[derive(Clone, Debug)]
pub struct Exposure {
    pub(super) source: &'static str,
    pub(super) leak: Leak,
    pub(super) allowed: bool,
}

impl Exposure {
    /// Returns where the secret was sent, such as `authorization` or `query-token`.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Returns the place that shows the secret.
    #[must_use]
    pub fn leak(&self) -> &Leak {
        &self.leak
    }

    /// Returns whether the secret is allowed there.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    fn to_json(&self) -> Value {
        json!({
            "source": self.source,
            "field": self.leak.field(),
            "place": self.leak.place(),
            "form": self.leak.form().as_str(),
            "allowed": self.allowed,
        })
    }
}
