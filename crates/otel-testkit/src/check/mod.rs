//! Whether running services continue the traces of their callers and propagate them.

mod finding;
mod outcome;
mod report;
mod request;
mod rules;

use std::time::SystemTime;

use self::request::{CONTEXTS, CheckRequest};
pub use self::{
    finding::{Finding, Severity},
    report::CheckReport,
};
use crate::{error::CheckError, log_line::LogLine, sender::Sender, trace::Trace};

/// Sends requests with contexts in each format to services, and judges how the services handle them.
///
/// Each URL receives requests with W3C and B3 headers (single and multiple), sampled and not sampled, with malformed headers,
/// and without a context. The services export to a [`Collector`](crate::Collector). From their spans, the report shows for
/// each request whether its trace was continued, restarted or lost. It also shows where a trace splits between two services
/// and why, and which rules the spans and log lines break.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use otel_testkit::{Check, Collector};
///
/// let collector = Collector::builder().http_port(4318).start()?;
/// // … the services run and export to the collector …
/// let mut check = Check::new();
/// check.send("http://localhost:8080/checkout/breakfast")?;
/// check.send("http://localhost:8081/quote/espresso")?; // the service behind it, to learn what it reads
/// let traces = collector.wait_for(|traces| traces.len() > 10, Duration::from_secs(10))?;
/// check.report(&traces, &[]).assert_ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Check {
    requests: Vec<CheckRequest>,
}

impl Check {
    /// Creates a check that has not sent requests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends all requests to a URL, one after the other. A route that calls other services shows most.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is invalid or the service cannot be reached.
    pub fn send(&mut self, url: &str) -> Result<(), CheckError> {
        let sender = Sender::new().map_err(CheckError)?;
        for context in CONTEXTS {
            let mut request = CheckRequest::new(url, context);
            let http = request
                .to_http()
                .map_err(|error| CheckError(format!("invalid URL {url}: {error}")))?;
            request.sent = SystemTime::now();
            let status = sender.send(http).map_err(CheckError)?;
            request.answered = SystemTime::now();
            request.status = status.as_u16();
            self.requests.push(request);
        }
        Ok(())
    }

    /// Judges the traces of all services, and the log lines of the services whose lines should have ids.
    #[must_use]
    pub fn report(&self, traces: &[Trace], logs: &[LogLine]) -> CheckReport {
        let answers = outcome::find_answers(&self.requests, traces);
        CheckReport::new(&answers, rules::find(&answers, traces, logs))
    }
}
