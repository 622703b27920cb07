//! Whether spans have their parents, a service name, and current attribute names.

use std::collections::{BTreeMap, HashSet};

use opentelemetry::SpanId;

use crate::{
    check::{
        finding::Findings,
        outcome::{Answer, service_name},
    },
    trace::Trace,
};

pub(super) fn find(answers: &[Answer<'_>], traces: &[Trace], findings: &mut Findings) {
    // The spans of the callers exist only in the requests. A rule about requests reports malformed headers that were read.
    let callers: HashSet<SpanId> = answers.iter().map(|it| it.request.span_id).collect();
    for trace in traces {
        for span in trace.orphans() {
            if !span
                .parent_span_id()
                .is_some_and(|id| callers.contains(&id))
            {
                let text = format!(
                    "the parent of {:?} ({}) was never exported",
                    span.name(),
                    service_name(span)
                );
                findings.add_problem("orphan", text);
            }
        }
        for span in trace.spans() {
            let service = span.service();
            if service.is_none_or(|name| name.starts_with("unknown_service")) {
                let text = format!("{:?} has no service.name in its resource", span.name());
                findings.add_problem("service-name", text);
            }
        }
    }
    for (service, keys) in old_names(traces) {
        let text = format!("{service} uses old attribute names: {}", keys.join(", "));
        findings.add_warning("old-attributes", text);
    }
}

/// Returns the old attribute names that each service uses.
fn old_names(traces: &[Trace]) -> BTreeMap<&str, Vec<&'static str>> {
    let mut used: BTreeMap<&str, Vec<&'static str>> = BTreeMap::new();
    for span in traces.iter().flat_map(Trace::spans) {
        for key in OLD_NAMES {
            if span.attribute(key).is_some() {
                let keys = used.entry(service_name(span)).or_default();
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
    }
    used
}

/// The attribute names that the stable HTTP conventions replaced (semantic conventions 1.23).
const OLD_NAMES: [&str; 18] = [
    "http.method",
    "http.status_code",
    "http.url",
    "http.target",
    "http.scheme",
    "http.host",
    "http.flavor",
    "http.user_agent",
    "http.client_ip",
    "http.server_name",
    "http.request_content_length",
    "http.response_content_length",
    "net.peer.name",
    "net.peer.port",
    "net.peer.ip",
    "net.host.name",
    "net.host.port",
    "net.host.ip",
];
