//! Whether each request is recorded as the caller's context asks.

use opentelemetry::trace::SpanKind;

use crate::{
    check::{
        finding::Findings,
        outcome::{Answer, Outcome, service_name, urls},
        request::Decision,
    },
    span::kind_name,
};

pub(super) fn find(answers: &[Answer<'_>], findings: &mut Findings) {
    for answer in answers {
        span_kind(answer, findings);
        outcome(answer, findings);
    }
    for url in urls(answers) {
        let mut own = answers.iter().filter(|it| it.request.url == url);
        if !own.any(Answer::has_read_context) {
            let text = format!("{url} continues no trace, whatever the format of the context");
            findings.add_problem("no-format", text);
        }
    }
}

fn span_kind(answer: &Answer<'_>, findings: &mut Findings) {
    if let Some(entry) = answer.entry
        && *entry.kind() != SpanKind::Server
    {
        let text = format!(
            "{:?} ({}) answers a request but is of kind {}, not SERVER",
            entry.name(),
            service_name(entry),
            kind_name(entry.kind()),
        );
        findings.add_problem("span-kind", text);
    }
}

fn outcome(answer: &Answer<'_>, findings: &mut Findings) {
    let (request, context) = (answer.request, answer.request.context());
    let url = &request.url;
    match (answer.outcome, request.decision) {
        (Outcome::Lost, _) => findings.add_problem(
            "lost",
            format!("no span was received for {url} ({context})"),
        ),
        (Outcome::Detached, _) => findings.add_problem(
            "detached",
            format!("{url} uses its caller's trace id, but not the span id as parent ({context})"),
        ),
        (Outcome::Continued, Decision::Malformed) => findings.add_problem(
            "malformed",
            format!("{url} reads a malformed {} header", request.format.as_str()),
        ),
        (Outcome::Continued, Decision::NotSampled) => findings.add_warning(
            "not-sampled",
            format!("{url} records a span although its caller does not ({context})"),
        ),
        _ => {}
    }
}
