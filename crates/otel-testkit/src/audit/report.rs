//! What an audit found.

use std::fmt;

use serde_json::{Value, json};

use crate::leak::Leak;

/// The places in which secrets came out.
///
/// `Display` lists them for people.
#[derive(Clone, Debug)]
pub struct AuditReport {
    exposures: Vec<Exposure>,
    spans: usize,
    lines: usize,
    seen: bool,
}

impl AuditReport {
    pub(super) fn new(exposures: Vec<Exposure>, spans: usize, lines: usize, seen: bool) -> Self {
        Self {
            exposures,
            spans,
            lines,
            seen,
        }
    }

    /// Returns whether spans of the audit's requests came back and no secret was found outside of allowed fields.
    #[must_use]
    pub fn is_safe(&self) -> bool {
        self.seen && !self.has_leaks()
    }

    /// Returns whether a secret was found outside of allowed fields.
    #[must_use]
    pub fn has_leaks(&self) -> bool {
        !self.exposures.iter().all(Exposure::is_allowed)
    }

    /// Returns whether spans of the audit's own requests came back; those of others tell nothing.
    ///
    /// They are known by the user agent, or as SERVER spans that began a trace after the audit was made and have none.
    #[must_use]
    pub fn has_seen_requests(&self) -> bool {
        self.seen
    }

    /// Returns whether there was no span and no log line to search, so that nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans + self.lines == 0
    }

    /// Returns all places, the allowed ones too.
    #[must_use]
    pub fn exposures(&self) -> &[Exposure] {
        &self.exposures
    }

    /// Asserts that the report [is safe](Self::is_safe).
    ///
    /// # Panics
    ///
    /// Panics with the list of leaks if it is not.
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
            "seen_requests": self.seen,
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
            return f.write_str("no span and no log line came back, so nothing is known\n");
        }
        for exposure in &self.exposures {
            let mark = if exposure.allowed { "allowed" } else { "LEAK" };
            let Exposure { source, leak, .. } = exposure;
            writeln!(f, "{mark:7}  {source}: {leak}")?;
        }
        let leaks = self.exposures.iter().filter(|it| !it.allowed).count();
        let places = if leaks == 1 { "place" } else { "places" };
        write!(f, "{spans} spans and {lines} log lines searched: ")?;
        match leaks {
            0 if !self.seen => writeln!(
                f,
                "nothing of the audit's requests arrived, so nothing is known"
            ),
            0 => writeln!(f, "no secret came out"),
            _ => writeln!(f, "secrets came out in {leaks} {places}"),
        }
    }
}

/// A place in which a secret of the audit came out.
#[derive(Clone, Debug)]
pub struct Exposure {
    source: &'static str,
    leak: Leak,
    allowed: bool,
}

impl Exposure {
    pub(super) fn new(source: &'static str, leak: Leak, allowed: bool) -> Self {
        Self {
            source,
            leak,
            allowed,
        }
    }

    /// Returns where the secret went in, such as `authorization` or `query-token`.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Returns where it came out.
    #[must_use]
    pub fn leak(&self) -> &Leak {
        &self.leak
    }

    /// Returns whether it may be there.
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
