//! What became of each request: which trace is its own, and whether that is the caller's.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use opentelemetry::{TraceId, Value, trace::SpanKind};

use super::request::{Asked, Decision};
use crate::{span::Span, trace::Trace};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The service's span is the child of the caller's.
    Continued,
    /// It is in the caller's trace, but not the caller's child.
    Detached,
    /// It begins a trace that has a link to the caller's.
    Linked,
    /// It begins a trace of its own.
    Restarted,
    /// No span came, as the caller has asked.
    NotRecorded,
    /// No span came.
    Lost,
}

impl Outcome {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Continued => "continued",
            Self::Detached => "detached",
            Self::Linked => "linked",
            Self::Restarted => "restarted",
            Self::NotRecorded => "not recorded",
            Self::Lost => "lost",
        }
    }
}

/// A request with its trace.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    pub(super) asked: &'a Asked,
    pub(super) outcome: Outcome,
    pub(super) trace: Option<&'a Trace>,
    /// The first span of the service that was asked.
    pub(super) entry: Option<&'a Span>,
}

/// Finds the trace of each request, the surest signs first: its own id, a link, its mark, then the time.
pub(super) fn of_all<'a>(asked: &'a [Asked], traces: &'a [Trace]) -> Vec<Answered<'a>> {
    let mut found: Vec<Found<'a>> = vec![None; asked.len()];
    let mut taken: HashSet<TraceId> = HashSet::new();
    for sign in [by_id, by_link, by_mark, by_time] {
        let known = services(asked, &found);
        for (asked, found) in asked.iter().zip(&mut found) {
            // A service behind the one that was asked may have begun a trace in the same moment, or that one may have been
            // asked by another.
            let fits = |entry: &Span| match known.get(asked.url.as_str()) {
                Some(known) => {
                    entry.service() == known.service && (has_agent(entry) || !known.has_agent)
                }
                None => true,
            };
            let free = |trace: &&Trace| !taken.contains(&trace.id());
            if found.is_none() {
                *found = traces.iter().filter(free).find_map(|trace| {
                    let (outcome, entry) = sign(asked, trace)?;
                    fits(entry).then_some((outcome, trace, entry))
                });
                taken.extend(found.map(|(_, trace, _)| trace.id()));
            }
        }
    }
    let answered = |(asked, found): (&'a Asked, Found<'a>)| {
        let outcome = match found {
            Some((outcome, ..)) => outcome,
            None if asked.decision == Decision::NotSampled => Outcome::NotRecorded,
            None => Outcome::Lost,
        };
        Answered {
            asked,
            outcome,
            trace: found.map(|(_, trace, _)| trace),
            entry: found.map(|(.., entry)| entry),
        }
    };
    asked.iter().zip(found).map(answered).collect()
}

type Found<'a> = Option<(Outcome, &'a Trace, &'a Span)>;

struct Known<'a> {
    service: Option<&'a str>,
    /// It has recorded the user agent, and so does it each time.
    has_agent: bool,
}

/// The service of each URL, as far as it is known by now.
fn services<'a>(asked: &'a [Asked], found: &[Found<'a>]) -> HashMap<&'a str, Known<'a>> {
    let mut services = HashMap::new();
    for (asked, found) in asked.iter().zip(found) {
        let Some((.., entry)) = *found else { continue };
        let service = entry.service();
        let known = services.entry(asked.url.as_str()).or_insert(Known {
            service,
            has_agent: false,
        });
        known.has_agent |= has_agent(entry);
    }
    services
}

fn has_agent(entry: &Span) -> bool {
    AGENTS.iter().any(|key| entry.attribute(key).is_some())
}

fn by_id<'a>(asked: &Asked, trace: &'a Trace) -> Option<(Outcome, &'a Span)> {
    if trace.id() != asked.trace_id {
        return None;
    }
    let child = |span: &&Span| span.parent_span_id() == Some(asked.span_id);
    if let Some(entry) = trace.spans().iter().find(child) {
        return Some((Outcome::Continued, entry));
    }
    trace.spans().first().map(|span| (Outcome::Detached, span))
}

fn by_link<'a>(asked: &Asked, trace: &'a Trace) -> Option<(Outcome, &'a Span)> {
    let links = |span: &&Span| {
        let mut links = span.links().iter();
        links.any(|link| link.span_context.trace_id() == asked.trace_id)
    };
    let entry = trace.roots().into_iter().find(links)?;
    Some((Outcome::Linked, entry))
}

fn by_mark<'a>(asked: &Asked, trace: &'a Trace) -> Option<(Outcome, &'a Span)> {
    let marked = |span: &&Span| {
        let mut values = span.attributes().iter().map(|attribute| &attribute.value);
        values.any(|value| matches!(value, Value::String(text) if text.as_str() == asked.mark))
    };
    let entry = trace.roots().into_iter().find(marked)?;
    Some((Outcome::Restarted, entry))
}

/// For instrumentations that do not record the user agent. Requests are sent one after the other.
fn by_time<'a>(asked: &Asked, trace: &'a Trace) -> Option<(Outcome, &'a Span)> {
    let entry = *trace.roots().first()?;
    // Whoever records a user agent has been found by it, or was asked by somebody else.
    let fits = within(asked.sent, entry.start(), asked.answered);
    let serves = *entry.kind() != SpanKind::Client;
    (fits && serves && !has_agent(entry)).then_some((Outcome::Restarted, entry))
}

/// With a little slack, since clocks are read in different processes.
pub(super) fn within(
    start: std::time::SystemTime,
    time: std::time::SystemTime,
    end: std::time::SystemTime,
) -> bool {
    time + SLACK >= start && time <= end + SLACK
}

const AGENTS: [&str; 2] = ["user_agent.original", "http.user_agent"];
const SLACK: Duration = Duration::from_millis(2);
