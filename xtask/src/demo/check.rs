//! The report of `otel-probe check` about the broken services.

use anyhow::ensure;
use otel_testkit::{Check, CheckReport, Collector, LogLine};

use super::stage::Stage;

/// Starts both services again, so that the check does not see the request of the demo.
pub(crate) fn broken() -> anyhow::Result<CheckReport> {
    let collector = Collector::start()?;
    let stage = Stage::start(&collector.http_endpoint(), true)?;
    let mut check = Check::new();
    for url in stage.urls() {
        check.send(&url)?;
    }
    let logs: Vec<LogLine> = stage.stop()?.into_iter().map(|(_, line)| line).collect();
    let report = check.report(&collector.traces(), &logs);
    let found: Vec<&str> = report.findings().iter().map(|it| it.kind()).collect();
    ensure!(
        found == ["split"],
        "the check was expected to find only the split:\n{report}"
    );
    Ok(report)
}
