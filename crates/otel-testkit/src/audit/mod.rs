//! Whether a service records secrets in its spans and log lines.

mod canary;
mod report;
mod signature;

use axum::http::Request;

pub use self::report::{AuditReport, Exposure};
use self::{
    canary::{Canary, SOURCES},
    signature::Signature,
};
#[cfg(feature = "http")]
use crate::sender::Sender;
use crate::{error::AuditError, leak::find_leaks, log_line::LogLine, trace::Trace};

/// Sends made-up secrets in every usual place, and finds those that a service records.
///
/// The secrets are in `Authorization`, a cookie, API-key headers, the query parameters `token`, `sig` and `api_key`, user info,
/// baggage and a JSON body. The report searches spans and log lines for them in each [`Form`](crate::Form).
///
/// # Examples
///
/// An axum service in a test. For a running service in any language there is `otel-probe audit URL`.
///
/// ```
/// use axum::{Router, body::Body, routing::get};
/// use otel_testkit::{Audit, Recorder};
/// use tower::ServiceExt as _;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let recorder = Recorder::new();
/// let _guard = tracing::subscriber::set_default(recorder.subscriber());
/// let app = Router::new()
///     .route("/users/{id}", get(|| async { "Ada" }))
///     .layer(otel_tower::ServerLayer::new());
///
/// let audit = Audit::new();
/// for request in audit.requests("/users/7")? {
///     app.clone().oneshot(request.map(Body::from)).await?;
/// }
/// audit.report(&recorder.traces(), &recorder.logs()).assert_safe();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Audit {
    canaries: Vec<Canary>,
    signature: Signature,
    allowed: Vec<String>,
}

impl Audit {
    /// Creates an audit with new secrets.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each audit has other secrets")]
    pub fn new() -> Self {
        Self {
            canaries: Canary::new_set(),
            signature: Signature::new(),
            allowed: Vec::new(),
        }
    }

    /// Allows secrets in a field. `session.id` allows the secrets of all sources, `cookie:session.id` only those of a source.
    ///
    /// Fields have the names of [`Leak::field`](crate::Leak::field). A `*` at the end matches any ending.
    #[must_use]
    pub fn allow(mut self, field: impl Into<String>) -> Self {
        self.allowed.push(field.into());
        self
    }

    /// Returns the names of the places where secrets are sent. Reports and [`allow`](Self::allow) use these names.
    #[must_use]
    pub fn sources() -> &'static [&'static str] {
        &SOURCES
    }

    /// Creates the requests to a URL, or to a path if the service is called directly.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid.
    pub fn requests(&self, url: &str) -> Result<Vec<Request<String>>, AuditError> {
        canary::requests(&self.canaries, &self.signature.user_agent, url)
    }

    /// Sends the requests to a running service. The responses are read to the end and dropped, whatever their status.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid or the service cannot be reached.
    #[cfg(feature = "http")]
    pub fn send(&self, url: &str) -> Result<(), AuditError> {
        let sender = Sender::new().map_err(AuditError)?;
        for request in self.requests(url)? {
            sender.send(request).map_err(AuditError)?;
        }
        Ok(())
    }

    /// Searches spans and log lines for the secrets.
    #[must_use]
    pub fn report(&self, traces: &[Trace], logs: &[LogLine]) -> AuditReport {
        let mut exposures = Vec::new();
        for Canary { source, secret } in &self.canaries {
            for leak in find_leaks(traces, logs, secret) {
                let allowed = self.allows(source, leak.field());
                exposures.push(Exposure {
                    source,
                    leak,
                    allowed,
                });
            }
        }
        AuditReport {
            exposures,
            spans: traces.iter().map(|trace| trace.spans().len()).sum(),
            lines: logs.len(),
            has_seen_requests: self.signature.is_in(traces),
        }
    }

    fn allows(&self, source: &str, field: &str) -> bool {
        self.allowed.iter().any(|pattern| {
            matches(pattern, field)
                || pattern.split_once(':').is_some_and(|(of_source, pattern)| {
                    of_source == source && matches(pattern, field)
                })
        })
    }
}

fn matches(pattern: &str, field: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => field.starts_with(prefix),
        None => field == pattern,
    }
}
