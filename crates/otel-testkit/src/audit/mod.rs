//! Whether a service lets secrets into its spans and log lines.

mod canary;
mod report;
mod seen;

use std::{error::Error, fmt};

use axum::http::Request;

pub use self::report::{AuditReport, Exposure};
use self::{canary::Canary, seen::Signs};
use crate::{leak::find_leaks, log_line::LogLine, trace::Trace};

/// Made-up secrets in every place where clients put theirs, to see which of them a service records.
///
/// They travel as `Authorization`, cookie, API-key headers, `?token=`, `?sig=` and `?api_key=`, user info, baggage and in
/// a JSON body. Then everything that comes back is searched for them, in each [`Form`](crate::Form).
///
/// # Examples
///
/// An axum service in a test of its own; `otel-probe audit URL` asks a running one, in any language.
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
    signs: Signs,
    allowed: Vec<String>,
}

impl Audit {
    /// Makes up new secrets.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each one differs")]
    pub fn new() -> Self {
        Self {
            canaries: canary::fresh(),
            signs: Signs::fresh(),
            allowed: Vec::new(),
        }
    }

    /// Lets secrets be in a field: `FIELD`, such as `session.id`, or only those of one source, as `cookie:session.id`.
    ///
    /// The fields are those of [`Leak::field`](crate::Leak::field); `*` behind a prefix stands for the rest.
    #[must_use]
    pub fn allow(mut self, field: impl Into<String>) -> Self {
        self.allowed.push(field.into());
        self
    }

    /// Returns the names of the places in which the secrets travel, as reports and [`allow`](Self::allow) use them.
    #[must_use]
    pub fn sources() -> &'static [&'static str] {
        &canary::SOURCES
    }

    /// Creates the requests to send to a URL, or to a path where the service is called directly.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not one.
    pub fn requests(&self, url: &str) -> Result<Vec<Request<String>>, AuditError> {
        canary::requests(&self.canaries, &self.signs.mark, url)
    }

    /// Sends the requests to a running service. Its answers are read and dropped, whatever their status.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not one, or if the service cannot be reached.
    #[cfg(feature = "http")]
    pub fn send(&self, url: &str) -> Result<(), AuditError> {
        let sender = crate::sender::Sender::new().map_err(AuditError::new)?;
        for request in self.requests(url)? {
            sender.send(request).map_err(AuditError::new)?;
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
                exposures.push(Exposure::new(source, leak, allowed));
            }
        }
        let spans = traces.iter().map(|trace| trace.spans().len()).sum();
        AuditReport::new(exposures, spans, logs.len(), self.signs.are_in(traces))
    }

    fn allows(&self, source: &str, field: &str) -> bool {
        let matches = |pattern: &str| match pattern.strip_suffix('*') {
            Some(prefix) => field.starts_with(prefix),
            None => field == pattern,
        };
        self.allowed.iter().any(|allowed| {
            let own = allowed.split_once(':');
            matches(allowed) || own.is_some_and(|(of, field)| of == source && matches(field))
        })
    }
}

/// The error of an audit that could not be done.
pub struct AuditError {
    message: String,
}

impl AuditError {
    fn new(message: String) -> Self {
        Self { message }
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The message, for a `main` or a test that returns the error.
impl fmt::Debug for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for AuditError {}
