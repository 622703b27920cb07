//! What became of each request: which trace belongs to it, and whether this is the caller's trace.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::SystemTime,
};

use opentelemetry::{TraceId, Value, trace::SpanKind};

use super::request::{CheckRequest, Decision, Format};
use crate::{
    probe_request::{CLOCK_SLACK, has_user_agent},
    span::Span,
    trace::Trace,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The service's span is a child of the caller's span.
    Continued,
    /// The service's span is in the caller's trace, but it is not a child of the caller's span.
    Detached,
    /// The service's span starts a trace and has a link to the caller's trace.
    Linked,
    /// The service's span starts a trace without a link to the caller's trace.
    Restarted,
    /// No span was received, as the caller's sampling decision requires.
    NotRecorded,
    /// No span was received.
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

/// A request with its outcome.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) request: &'a CheckRequest,
    pub(super) outcome: Outcome,
    pub(super) trace: Option<&'a Trace>,
    /// The first span of the service that received the request.
    pub(super) entry: Option<&'a Span>,
}

impl Answer<'_> {
    /// Returns whether the service has read a sampled context.
    pub(super) fn has_read_context(&self) -> bool {
        matches!(self.outcome, Outcome::Continued | Outcome::Linked)
            && self.request.decision == Decision::Sampled
    }
}

/// Finds the trace of each request. The most reliable sign comes first: the request's trace id, a link to it, the user agent,
/// and last the time.
pub(super) fn find_answers<'a>(
    requests: &'a [CheckRequest],
    traces: &'a [Trace],
) -> Vec<Answer<'a>> {
    let mut found: Vec<Found<'a>> = vec![None; requests.len()];
    let mut taken: HashSet<TraceId> = HashSet::new();
    for sign in [by_id, by_link, by_user_agent, by_time] {
        let known = known_services(requests, &found);
        for (request, found) in requests.iter().zip(&mut found) {
            if found.is_some() {
                continue;
            }
            let service = known.get(request.url.as_str());
            let mut free = traces.iter().filter(|trace| !taken.contains(&trace.id()));
            *found = free.find_map(|trace| {
                let (outcome, entry) = sign(request, trace)?;
                let fits = service.is_none_or(|service| service.can_have_recorded(entry));
                fits.then_some((outcome, trace, entry))
            });
            taken.extend(found.map(|(_, trace, _)| trace.id()));
        }
    }
    requests
        .iter()
        .zip(found)
        .map(|(request, found)| Answer {
            request,
            outcome: match found {
                Some((outcome, ..)) => outcome,
                None if request.decision == Decision::NotSampled => Outcome::NotRecorded,
                None => Outcome::Lost,
            },
            trace: found.map(|(_, trace, _)| trace),
            entry: found.map(|(.., entry)| entry),
        })
        .collect()
}

type Found<'a> = Option<(Outcome, &'a Trace, &'a Span)>;

/// What is known about the service behind a URL.
struct KnownService<'a> {
    name: Option<&'a str>,
    /// Whether it has recorded a user agent, and therefore always records one.
    records_user_agent: bool,
}

impl KnownService<'_> {
    /// Returns `false` for spans of another service, which may have started a trace at the same time, and for spans of requests
    /// from other clients.
    fn can_have_recorded(&self, entry: &Span) -> bool {
        entry.service() == self.name && (has_user_agent(entry) || !self.records_user_agent)
    }
}

/// Returns the services of the URLs for which a trace has been found.
fn known_services<'a>(
    requests: &'a [CheckRequest],
    found: &[Found<'a>],
) -> HashMap<&'a str, KnownService<'a>> {
    let mut services = HashMap::new();
    for (request, found) in requests.iter().zip(found) {
        let Some((.., entry)) = *found else { continue };
        let service = services
            .entry(request.url.as_str())
            .or_insert(KnownService {
                name: entry.service(),
                records_user_agent: false,
            });
        service.records_user_agent |= has_user_agent(entry);
    }
    services
}

fn by_id<'a>(request: &CheckRequest, trace: &'a Trace) -> Option<(Outcome, &'a Span)> {
    if trace.id() != request.trace_id {
        return None;
    }
    let spans = trace.spans();
    let child = spans
        .iter()
        .find(|span| span.parent_span_id() == Some(request.span_id));
    match child {
        Some(entry) => Some((Outcome::Continued, entry)),
        None => Some((Outcome::Detached, spans.first()?)),
    }
}

fn by_link<'a>(request: &CheckRequest, trace: &'a Trace) -> Option<(Outcome, &'a Span)> {
    let entry = trace.roots().into_iter().find(|span| {
        let mut links = span.links().iter();
        links.any(|link| link.span_context.trace_id() == request.trace_id)
    })?;
    Some((Outcome::Linked, entry))
}

fn by_user_agent<'a>(request: &CheckRequest, trace: &'a Trace) -> Option<(Outcome, &'a Span)> {
    let entry = trace.roots().into_iter().find(|span| {
        let mut values = span.attributes().iter().map(|attribute| &attribute.value);
        values.any(|value| matches!(value, Value::String(it) if it.as_str() == request.user_agent))
    })?;
    Some((Outcome::Restarted, entry))
}

/// For instrumentations that do not record the user agent. A check sends its requests one after the other.
fn by_time<'a>(request: &CheckRequest, trace: &'a Trace) -> Option<(Outcome, &'a Span)> {
    let entry = *trace.roots().first()?;
    let is_in_time = is_between(request.sent, entry.start(), request.answered);
    let is_server = *entry.kind() != SpanKind::Client;
    // A span with the request's user agent has already been found, so another user agent belongs to another client.
    (is_in_time && is_server && !has_user_agent(entry)).then_some((Outcome::Restarted, entry))
}

/// Returns whether a time is between two others, which may be from another process.
pub(super) fn is_between(start: SystemTime, time: SystemTime, end: SystemTime) -> bool {
    time + CLOCK_SLACK >= start && time <= end + CLOCK_SLACK
}

/// Returns the URLs in the order of the requests.
pub(super) fn urls<'a>(answers: &[Answer<'a>]) -> Vec<&'a str> {
    distinct(answers.iter().map(|it| it.request.url.as_str()))
}

/// Returns each text once, in the order of the first occurrences.
pub(super) fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    texts.filter(|text| seen.insert(*text)).collect()
}

/// Returns the formats that a service reads, by their names in `OTEL_PROPAGATORS`. Returns `None` if the check did not send
/// requests to the service.
///
/// `b3` stands for both forms of B3, since propagators read both.
pub(super) fn formats_read_by(
    answers: &[Answer<'_>],
    service: &str,
) -> Option<BTreeSet<&'static str>> {
    let mut own = answers
        .iter()
        .filter(|it| it.entry.is_some_and(|entry| service_name(entry) == service))
        .peekable();
    own.peek()?;
    let read = own.filter(|it| it.has_read_context());
    let formats = read.map(|it| match it.request.format {
        Format::B3Multi => Format::B3.as_str(),
        other => other.as_str(),
    });
    Some(formats.collect())
}

/// Returns the name of the span's service for a report.
pub(super) fn service_name(span: &Span) -> &str {
    span.service().unwrap_or("a service without a name")
}
