//! Whether running services continue the traces of their callers, and hand them on.

mod finding;
mod logs;
mod outcome;
mod report;
mod request;
mod split;

use std::{error::Error, fmt};

use self::request::Asked;
pub use self::{
    finding::{Finding, Severity},
    report::CheckReport,
};
use crate::{log_line::LogLine, trace::Trace};

/// Requests with contexts in each format, and what services made of them.
///
/// Each URL is asked with W3C and B3 headers, single and several, sampled and not, with broken ones and with none. The
/// services export to a [`Collector`](crate::Collector); from their spans the report tells for each request whether its
/// trace was continued, restarted or lost, where a trace splits between two services and why, and which rules the spans
/// and log lines break.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use otel_testkit::{Check, Collector};
///
/// let collector = Collector::builder().http_port(4318).start()?;
/// // … the services run, and export to it …
/// let mut check = Check::new();
/// check.send("http://localhost:8080/checkout/breakfast")?;
/// check.send("http://localhost:8081/quote/espresso")?; // one behind it, to learn what it reads
/// let traces = collector.wait_for(|traces| traces.len() > 10, Duration::from_secs(10))?;
/// check.report(&traces, &[]).assert_ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Check {
    asked: Vec<Asked>,
}

impl Check {
    /// Creates a check that has asked nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends all requests to one URL, one after the other; a route that calls other services shows most.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL is not one, or if the service cannot be reached.
    pub fn send(&mut self, url: &str) -> Result<(), CheckError> {
        let sender = crate::sender::Sender::new().map_err(CheckError::new)?;
        for case in request::CASES {
            let mut asked = Asked::new(url, case);
            let request = asked
                .request()
                .map_err(|error| CheckError::new(format!("{url} is not a URL: {error}")))?;
            asked.sent = std::time::SystemTime::now();
            let status = sender.send(request).map_err(CheckError::new)?;
            asked.answered = std::time::SystemTime::now();
            asked.status = status.as_u16();
            self.asked.push(asked);
        }
        Ok(())
    }

    /// Judges what has come back: the spans of all services, and the log lines of those that should have ids in them.
    #[must_use]
    pub fn report(&self, traces: &[Trace], logs: &[LogLine]) -> CheckReport {
        let answered = outcome::of_all(&self.asked, traces);
        let mut findings = Vec::new();
        split::find(&answered, traces, &mut findings);
        finding::find(&answered, traces, &mut findings);
        logs::find(&answered, traces, logs, &mut findings);
        CheckReport::new(&answered, findings)
    }
}

/// The error of a check that could not be done.
pub struct CheckError {
    message: String,
}

impl CheckError {
    fn new(message: String) -> Self {
        Self { message }
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The message, for a `main` or a test that returns the error.
impl fmt::Debug for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error for CheckError {}
