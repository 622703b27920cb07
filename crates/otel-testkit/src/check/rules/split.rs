//! Requests that become two traces: a call without a SERVER span below it, and a trace that starts during this call.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use opentelemetry::{TraceId, trace::SpanKind};

use crate::{
    check::{
        finding::Findings,
        outcome::{Answer, formats_read_by, is_between, service_name},
    },
    span::Span,
    trace::Trace,
};

pub(super) fn find(answers: &[Answer<'_>], traces: &[Trace], findings: &mut Findings) {
    for ((from, to), count) in splits(answers, traces) {
        let reason = reason(answers, from, to);
        let text = format!("the trace splits between {from} and {to} ({count} times): {reason}");
        findings.add_problem("split", text);
    }
}

/// Counts the splits between each pair of services.
fn splits<'a>(answers: &[Answer<'a>], traces: &'a [Trace]) -> BTreeMap<(&'a str, &'a str), usize> {
    let own: HashSet<TraceId> = answers
        .iter()
        .filter_map(|it| Some(it.trace?.id()))
        .collect();
    // The traces that do not belong to a request.
    let others: Vec<&Span> = traces
        .iter()
        .filter(|trace| !own.contains(&trace.id()))
        .flat_map(Trace::roots)
        .filter(|root| *root.kind() == SpanKind::Server)
        .collect();
    let mut splits = BTreeMap::new();
    let mut used = HashSet::new();
    for trace in answers.iter().filter_map(|it| it.trace) {
        for client in trace.spans().iter().filter(|it| is_open(trace, it)) {
            let root = others.iter().find(|root| {
                root.service() != client.service()
                    && !used.contains(&root.span_id())
                    && is_between(client.start(), root.start(), client.end())
            });
            if let Some(root) = root {
                used.insert(root.span_id());
                *splits
                    .entry((service_name(client), service_name(root)))
                    .or_default() += 1;
            }
        }
    }
    splits
}

/// Returns whether the span is a CLIENT span without a child.
fn is_open(trace: &Trace, client: &Span) -> bool {
    *client.kind() == SpanKind::Client && trace.children(client).is_empty()
}

/// Explains a split by the formats that both services use. A service is assumed to send the formats that it reads, since a
/// propagator does both.
fn reason(answers: &[Answer<'_>], from: &str, to: &str) -> String {
    let sends = formats_read_by(answers, from).filter(|formats| !formats.is_empty());
    let sends = sends.map(|formats| list(&formats));
    let reads = formats_read_by(answers, to).map(|formats| match formats.len() {
        0 => "no format".to_owned(),
        1 => format!("{} only", list(&formats)),
        _ => list(&formats),
    });
    match (sends, reads) {
        (Some(sends), Some(reads)) => format!("{from} sends {sends}, {to} reads {reads}"),
        (Some(sends), None) => {
            format!("{from} sends {sends}; to learn what {to} reads, check a URL of {to} too")
        }
        (None, Some(reads)) => {
            format!("{to} reads {reads}; {from} sends another format or no context")
        }
        (None, None) => format!("{from} sends no context that {to} reads"),
    }
}

fn list(formats: &BTreeSet<&'static str>) -> String {
    let formats: Vec<&str> = formats.iter().copied().collect();
    formats.join(", ")
}
