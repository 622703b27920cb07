//! Where one request becomes two traces: a call that has no other end, and a trace that begins while it runs.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use opentelemetry::{TraceId, trace::SpanKind};

use super::{
    finding::{Finding, Severity},
    outcome::{Answered, Outcome, within},
    request::{Decision, Format},
};
use crate::{span::Span, trace::Trace};

pub(super) fn find(answered: &[Answered<'_>], traces: &[Trace], findings: &mut Vec<Finding>) {
    let own: HashSet<TraceId> = answered
        .iter()
        .filter_map(|it| Some(it.trace?.id()))
        .collect();
    // What is nobody's: traces that begin in the middle of a request.
    let loose: Vec<&Span> = traces
        .iter()
        .filter(|trace| !own.contains(&trace.id()))
        .flat_map(Trace::roots)
        .filter(|root| *root.kind() == SpanKind::Server)
        .collect();
    let mut splits: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut used = HashSet::new();
    for trace in answered.iter().filter_map(|it| it.trace) {
        for client in trace.spans().iter().filter(|it| is_open(trace, it)) {
            let other = loose.iter().find(|root| {
                root.service() != client.service()
                    && !used.contains(&root.span_id())
                    && within(client.start(), root.start(), client.end())
            });
            if let Some(root) = other {
                used.insert(root.span_id());
                *splits.entry((name(client), name(root))).or_default() += 1;
            }
        }
    }
    for ((from, to), count) in splits {
        let why = reason(answered, from, to);
        let text = format!("the trace splits between {from} and {to} ({count} times): {why}");
        findings.push(Finding::new(Severity::Problem, "split", text));
    }
}

/// A CLIENT span without a span of another service below it.
fn is_open(trace: &Trace, client: &Span) -> bool {
    *client.kind() == SpanKind::Client && trace.children(client).is_empty()
}

fn reason(answered: &[Answered<'_>], from: &str, to: &str) -> String {
    let reads = |service| {
        let known = reads(answered, service)?;
        Some(match known.len() {
            0 => "no format".to_owned(),
            1 => format!("{} only", list(&known)),
            _ => list(&known),
        })
    };
    let sends = self::reads(answered, from).filter(|formats| !formats.is_empty());
    let sends = sends.map(|formats| list(&formats));
    match (sends, reads(to)) {
        (Some(sends), Some(read)) => format!("{from} sends {sends}, {to} reads {read}"),
        (Some(sends), None) => {
            format!("{from} sends {sends}; give the URL of {to} too, to learn what it reads")
        }
        (None, Some(read)) => format!("{to} reads {read}; {from} sends something else or nothing"),
        (None, None) => format!("{from} sends nothing that {to} reads"),
    }
}

/// The formats of `OTEL_PROPAGATORS` that a service reads, or `None` where it was not asked.
///
/// What it sends is taken to be the same: a propagator does both, and B3 is read in both of its forms but sent in one.
pub(super) fn reads(answered: &[Answered<'_>], service: &str) -> Option<BTreeSet<&'static str>> {
    let mut own = answered
        .iter()
        .filter(|it| it.entry.is_some_and(|entry| name(entry) == service))
        .peekable();
    own.peek()?;
    let read = own.filter(|it| {
        let caught = matches!(it.outcome, Outcome::Continued | Outcome::Linked);
        caught && it.asked.decision == Decision::Sampled
    });
    let format = |it: &Answered<'_>| match it.asked.format {
        Format::B3Multi => Format::B3.as_str(),
        other => other.as_str(),
    };
    Some(read.map(format).collect())
}

pub(super) fn name(span: &Span) -> &str {
    span.service().unwrap_or("a service without a name")
}

fn list(formats: &BTreeSet<&'static str>) -> String {
    let formats: Vec<&str> = formats.iter().copied().collect();
    formats.join(", ")
}
