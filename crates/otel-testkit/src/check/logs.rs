//! Whether log lines carry the ids of the spans they were written in.

use std::collections::HashSet;

use super::{
    finding::{Finding, Severity},
    outcome::Answered,
};
use crate::{log_line::LogLine, trace::Trace};

pub(super) fn find(
    answered: &[Answered<'_>],
    traces: &[Trace],
    logs: &[LogLine],
    findings: &mut Vec<Finding>,
) {
    if logs.is_empty() || answered.is_empty() {
        return;
    }
    let ids: HashSet<String> = traces.iter().map(|trace| trace.id().to_string()).collect();
    let spans = traces.iter().flat_map(Trace::spans);
    let spans: HashSet<String> = spans.map(|span| span.span_id().to_string()).collect();
    // A request that was not to be recorded has lines with its ids, and no span.
    let callers: HashSet<String> = answered
        .iter()
        .map(|it| it.asked.trace_id.to_string())
        .collect();
    let mut matching = 0;
    let mut add = |severity, kind, text: String| {
        let finding = Finding::new(severity, kind, text);
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    };
    for line in logs {
        let Some(trace_id) = line.trace_id() else {
            continue;
        };
        if ids.contains(trace_id) || callers.contains(trace_id) {
            matching += 1;
            let known = line.span_id().is_some_and(|id| spans.contains(id));
            if ids.contains(trace_id) && !known {
                let text = format!("a log line names a span that never came: {}", short(line));
                add(Severity::Problem, "log-ids", text);
            }
        } else if ids.contains(&trace_id.to_lowercase()) || !is_id(trace_id) {
            let text = format!("trace_id is not 32 lowercase hex digits: {}", short(line));
            add(Severity::Problem, "log-ids", text);
        }
    }
    if matching == 0 {
        let text = format!(
            "none of {} log lines has the trace_id of a request",
            logs.len()
        );
        add(Severity::Problem, "log-ids", text);
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn short(line: &LogLine) -> String {
    format!("{:?}", line.message().chars().take(60).collect::<String>())
}
