//! The way from span to span through the services.

use otel_testkit::opentelemetry::trace::SpanKind;
use otel_testkit::{Span, Trace};

/// One root, no orphan, and one SERVER span of each service, below a CLIENT span of the service before.
pub(super) fn check(services: &[&str], trace: &Trace, breaches: &mut Vec<String>) {
    let roots = trace.roots().len();
    if roots != 1 {
        breaches.push(format!("{roots} spans without a parent"));
    }
    for orphan in trace.orphans() {
        breaches.push(format!("the parent of {} was not seen", shown(orphan)));
    }
    let mut caller = None;
    for service in services {
        let spans = trace.spans().iter();
        let servers: Vec<_> = spans
            .filter(|span| is(span, service, &SpanKind::Server))
            .collect();
        let [server] = servers[..] else {
            let count = servers.len();
            breaches.push(format!("{count} SERVER spans of {service}"));
            return;
        };
        if let Some(caller) = caller
            && !is_called_by(trace, server, caller)
        {
            let (server, caller) = (shown(server), shown(caller));
            breaches.push(format!("{server} is not called by {caller}"));
        }
        caller = Some(server);
    }
}

/// From a SERVER span up to that of the caller: a CLIENT span of the caller, then any INTERNAL ones.
fn is_called_by(trace: &Trace, server: &Span, caller: &Span) -> bool {
    let service = caller.service().unwrap_or_default();
    let client = trace.parent(server);
    let Some(client) = client.filter(|span| is(span, service, &SpanKind::Client)) else {
        return false;
    };
    let mut above = trace.parent(client);
    while let Some(span) = above.filter(|span| is(span, service, &SpanKind::Internal)) {
        above = trace.parent(span);
    }
    above.is_some_and(|span| span.span_id() == caller.span_id())
}

fn is(span: &Span, service: &str, kind: &SpanKind) -> bool {
    span.service() == Some(service) && span.kind() == kind
}

fn shown(span: &Span) -> String {
    let service = span.service().unwrap_or("no one");
    format!("the {:?} span of {service}", span.kind())
}

#[cfg(test)]
mod tests {
    use otel_testkit::opentelemetry::trace::SpanKind::{Client, Internal, Server};

    use super::*;
    use crate::interop::expect::sample;

    #[test]
    fn the_way_leads_from_server_to_client_to_server() {
        let cases = [
            (
                "whole",
                vec![
                    ("ours-a", Server, None),
                    ("ours-a", Client, Some(0)),
                    ("express", Server, Some(1)),
                    ("express", Internal, Some(2)),
                    ("express", Internal, Some(3)),
                    ("express", Client, Some(4)),
                    ("ours-b", Server, Some(5)),
                ],
                vec![],
            ),
            (
                "no CLIENT span",
                vec![
                    ("ours-a", Server, None),
                    ("express", Server, Some(0)),
                    ("express", Client, Some(1)),
                    ("ours-b", Server, Some(2)),
                ],
                vec!["the Server span of express is not called by the Server span of ours-a"],
            ),
            (
                "an INTERNAL span instead",
                vec![
                    ("ours-a", Server, None),
                    ("ours-a", Internal, Some(0)),
                    ("express", Server, Some(1)),
                    ("express", Client, Some(2)),
                    ("ours-b", Server, Some(3)),
                ],
                vec!["the Server span of express is not called by the Server span of ours-a"],
            ),
            (
                "a CLIENT span of another request",
                vec![
                    ("ours-a", Server, None),
                    ("ours-a", Client, Some(0)),
                    ("express", Server, Some(1)),
                    ("express", Client, Some(0)),
                    ("ours-b", Server, Some(3)),
                ],
                vec!["the Server span of ours-b is not called by the Server span of express"],
            ),
            (
                "below the first",
                vec![
                    ("ours-a", Server, None),
                    ("ours-a", Client, Some(0)),
                    ("express", Server, Some(1)),
                    ("ours-b", Server, Some(1)),
                ],
                vec!["the Server span of ours-b is not called by the Server span of express"],
            ),
            (
                "twice",
                vec![
                    ("ours-a", Server, None),
                    ("ours-a", Client, Some(0)),
                    ("express", Server, Some(1)),
                    ("express", Server, Some(1)),
                ],
                vec!["2 SERVER spans of express"],
            ),
            (
                "not exported",
                vec![("ours-a", Server, None), ("ours-a", Client, Some(0))],
                vec!["0 SERVER spans of express"],
            ),
        ];
        for (name, spans, expected) in cases {
            let traces = Trace::group(sample::spans(&spans));
            let mut breaches = Vec::new();
            check(&["ours-a", "express", "ours-b"], &traces[0], &mut breaches);
            assert_eq!(breaches, expected, "{name}");
        }
    }

    #[test]
    fn a_span_whose_parent_is_absent_is_a_breach() {
        let mut spans = sample::spans(&[
            ("flask", Server, None),
            ("flask", Client, Some(0)),
            ("ours-b", Server, Some(1)),
        ]);
        spans.remove(1);
        let mut breaches = Vec::new();
        let traces = Trace::group(spans);
        check(&["flask", "ours-b"], &traces[0], &mut breaches);
        let expected = [
            "the parent of the Server span of ours-b was not seen",
            "the Server span of ours-b is not called by the Server span of flask",
        ];
        assert_eq!(breaches, expected);
    }
}
