//! Whether log lines carry the ids of their spans.

use std::collections::HashSet;

use crate::{
    check::{finding::Findings, outcome::Answer},
    log_line::{LogLine, is_lower_hex},
    trace::Trace,
};

pub(super) fn find(
    answers: &[Answer<'_>],
    traces: &[Trace],
    logs: &[LogLine],
    findings: &mut Findings,
) {
    if logs.is_empty() || answers.is_empty() {
        return;
    }
    let trace_ids: HashSet<String> = traces.iter().map(|it| it.id().to_string()).collect();
    let spans = traces.iter().flat_map(Trace::spans);
    let span_ids: HashSet<String> = spans.map(|it| it.span_id().to_string()).collect();
    // The lines of an unsampled request have ids although no span was exported.
    let callers: HashSet<String> = answers
        .iter()
        .map(|it| it.request.trace_id.to_string())
        .collect();
    let mut matching = 0;
    for line in logs {
        let Some(trace_id) = line.trace_id() else {
            continue;
        };
        if trace_ids.contains(trace_id) {
            matching += 1;
            if !line.span_id().is_some_and(|id| span_ids.contains(id)) {
                let text = format!(
                    "a log line names a span that was not received: {}",
                    message(line)
                );
                findings.add_problem("log-ids", text);
            }
        } else if callers.contains(trace_id) {
            matching += 1;
        } else if trace_ids.contains(&trace_id.to_lowercase()) || !is_lower_hex(trace_id, 32) {
            let text = format!("trace_id is not 32 lowercase hex digits: {}", message(line));
            findings.add_problem("log-ids", text);
        }
    }
    if matching == 0 {
        let text = format!(
            "none of {} log lines has the trace_id of a request",
            logs.len()
        );
        findings.add_problem("log-ids", text);
    }
}

/// Returns the start of the message, quoted.
fn message(line: &LogLine) -> String {
    format!("{:?}", line.message().chars().take(60).collect::<String>())
}
