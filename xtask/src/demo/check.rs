//! What `otel-probe check` says of the broken services.

use anyhow::ensure;
use otel_testkit::{Check, CheckReport, LogLine};

use super::stage::{Broken, Export, Stage};

/// Starts both anew, so that the request of the demo is not among those of the check.
pub(crate) fn broken() -> anyhow::Result<CheckReport> {
    let export = Export::new(None)?;
    let stage = Stage::start(&export, Broken(true))?;
    let mut check = Check::new();
    for url in stage.urls() {
        check.send(&url)?;
    }
    let logs: Vec<LogLine> = stage.stop()?.into_iter().map(|(_, line)| line).collect();
    let traces = export.collector().map_or(Vec::new(), |it| it.traces());
    let report = check.report(&traces, &logs);
    let found: Vec<&str> = report.findings().iter().map(|it| it.kind()).collect();
    ensure!(
        found == ["split"],
        "the check was expected to find the split alone:\n{report}"
    );
    Ok(report)
}
