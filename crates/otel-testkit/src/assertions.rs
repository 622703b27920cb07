//! Assertions about several traces and log lines. Assertions about one trace are methods of [`Trace`].

use std::fmt;

use otel_core::context_loss;

use crate::{
    leak::find_leaks,
    log_line::{LogLine, is_lower_hex},
    picture::summary,
    trace::Trace,
};

/// Asserts that there is exactly one trace, and returns it.
///
/// # Panics
///
/// Panics and shows all traces unless there is exactly one trace.
#[track_caller]
#[allow(
    clippy::must_use_candidate,
    reason = "callers may need only the assertion"
)]
pub fn assert_one_trace(traces: &[Trace]) -> &Trace {
    match traces {
        [only] => only,
        _ => panic!("expected exactly one trace, but {}", summary(traces)),
    }
}

/// Asserts that a span named `from` has a link to a span named `to`, in the same trace or in another trace.
///
/// Batch consumers link to their producers. If several spans share a name, one such pair is enough.
///
/// # Panics
///
/// Panics and shows all traces if there is no such link.
#[track_caller]
pub fn assert_linked(traces: &[Trace], from: &str, to: &str) {
    let spans = || traces.iter().flat_map(Trace::spans);
    let sources: Vec<_> = spans().filter(|span| span.name() == from).collect();
    let targets = spans().filter(|span| span.name() == to);
    let targets: Vec<_> = targets.map(|it| (it.trace_id(), it.span_id())).collect();
    let links = sources.iter().flat_map(|span| span.links());
    let links: Vec<_> = links.map(|link| &link.span_context).collect();
    if links
        .iter()
        .any(|it| targets.contains(&(it.trace_id(), it.span_id())))
    {
        return;
    }
    let reason = if sources.is_empty() {
        format!("no span is named {from:?}")
    } else if targets.is_empty() {
        format!("no span is named {to:?}, so {from:?} is not linked to it")
    } else if links.is_empty() {
        format!("{from:?} has no link, so it is not linked to {to:?}")
    } else {
        format!(
            "none of the {} links of {from:?} leads to {to:?}",
            links.len()
        )
    };
    panic!("{reason}; {}", summary(traces));
}

/// Asserts that there are log lines, and that the `trace_id` and `span_id` of each line name a span of these traces in lower-case
/// hex.
///
/// Pass only the lines that must have ids. Lines written outside of requests have no ids. Lines of the target `otel_setup` are about
/// telemetry itself, and are ignored.
///
/// # Panics
///
/// Panics if there are no other lines. If a line does not name a span, panics and shows the first such lines, the reasons, and all
/// traces.
#[track_caller]
pub fn assert_logs_correlated(traces: &[Trace], logs: &[LogLine]) {
    let logs = logs.iter().filter(|line| line.target() != "otel_setup");
    let logs: Vec<_> = logs.collect();
    assert!(
        !logs.is_empty(),
        "no log line to correlate; {}",
        summary(traces)
    );
    let wrong: Vec<String> = logs
        .iter()
        .filter_map(|line| Some(format!("{}: {line}", correlation_error(traces, line)?)))
        .collect();
    let shown = wrong.get(..MAX_LINES).unwrap_or(&wrong);
    assert!(
        wrong.is_empty(),
        "{} of {} log lines are not correlated:{}\n{}",
        wrong.len(),
        logs.len(),
        list(shown),
        summary(traces)
    );
}

/// Asserts that no span and no log line shows a secret, in any [form](crate::Form).
///
/// # Panics
///
/// Panics and shows each place of the secret, and all traces.
#[track_caller]
pub fn assert_no_secret(traces: &[Trace], logs: &[LogLine], secret: &str) {
    let leaks = find_leaks(traces, logs, secret);
    assert!(
        leaks.is_empty(),
        "the secret leaked in {} places:{}\n{}",
        leaks.len(),
        list(&leaks),
        summary(traces)
    );
}

/// Asserts that no context has been lost in this process since [`context_loss::start`](otel_core::context_loss::start).
///
/// Losses are counted per process. Put a test that loses context on purpose into its own file in `tests/`.
///
/// # Panics
///
/// Panics if the detection was not started. If context was lost, panics and shows each loss: its kind, its place, how often it
/// happened, and the section of the guide.
#[track_caller]
pub fn assert_no_context_loss() {
    assert!(
        context_loss::is_started(),
        "detection is off: call otel_core::context_loss::start() before the requests"
    );
    let losses = context_loss::losses();
    assert!(
        losses.is_empty(),
        "context was lost at {} places:{}",
        losses.len(),
        list(&losses)
    );
}

/// Writes each item on a new line.
fn list(items: &[impl fmt::Display]) -> String {
    items.iter().map(|item| format!("\n{item}")).collect()
}

/// Returns why the ids of a line name no span of the traces, or `None` if they name a span.
fn correlation_error(traces: &[Trace], line: &LogLine) -> Option<&'static str> {
    let (trace_id, span_id) = match (line.trace_id(), line.span_id()) {
        (None, None) => return Some("no trace_id and no span_id"),
        (None, _) => return Some("no trace_id"),
        (_, None) => return Some("no span_id"),
        (Some(trace_id), Some(span_id)) => (trace_id, span_id),
    };
    if !is_lower_hex(trace_id, 32) {
        return Some("its trace_id is not 32 lower-case hex digits");
    }
    if !is_lower_hex(span_id, 16) {
        return Some("its span_id is not 16 lower-case hex digits");
    }
    let Some(trace) = traces.iter().find(|it| it.id().to_string() == trace_id) else {
        return Some("no span with its trace_id was seen");
    };
    let spans = trace.spans();
    if spans.iter().any(|it| it.span_id().to_string() == span_id) {
        None
    } else {
        Some("its trace has no span with its span_id")
    }
}

/// The log lines that a failure shows.
const MAX_LINES: usize = 20;

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use opentelemetry::{
        TraceFlags,
        trace::{Link, SpanContext, TraceState},
    };

    use super::*;
    use crate::{
        sample::{checkout, span, trace},
        span::Span,
    };

    fn failure(check: impl FnOnce()) -> String {
        let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("it holds");
        panic.downcast_ref::<String>().cloned().unwrap()
    }

    #[test]
    fn one_trace_is_returned_and_two_are_shown() {
        let one = [trace(checkout())];
        assert_eq!(assert_one_trace(&one).id(), one[0].id());
        let two = Trace::group([
            span(1, 0, "first", 0, 1).trace(1).build(),
            span(2, 0, "second", 0, 1).trace(2).build(),
        ]);
        let message = failure(|| {
            assert_one_trace(&two);
        });
        assert!(message.contains("2 traces were seen"), "{message}");
        assert!(message.contains("SERVER") || message.contains("first"));
        assert!(
            failure(|| {
                assert_one_trace(&[]);
            })
            .contains("no span was seen")
        );
    }

    fn link_to(span: &Span) -> Link {
        let context = SpanContext::new(
            span.trace_id(),
            span.span_id(),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        );
        Link::with_context(context)
    }

    #[test]
    fn a_link_leads_to_a_span_of_another_trace() {
        let send = span(1, 0, "send", 0, 1).trace(1).build();
        let other = span(2, 0, "other", 0, 1).trace(2).build();
        let process = span(3, 0, "process", 2, 3).trace(3).link(link_to(&send));
        let alone = span(4, 0, "alone", 2, 3).trace(4).build();
        let traces = Trace::group([send, other, process.build(), alone]);
        assert_linked(&traces, "process", "send");
        for (from, to, reason) in [
            ("process", "other", "none of the 1 links of \"process\""),
            ("alone", "send", "\"alone\" has no link"),
            ("missing", "send", "no span is named \"missing\""),
            ("process", "missing", "no span is named \"missing\", so"),
        ] {
            let message = failure(|| assert_linked(&traces, from, to));
            assert!(message.contains(reason), "{message}");
            assert!(message.contains("4 traces were seen"), "{message}");
        }
    }

    fn line(ids: &str) -> LogLine {
        LogLine::parse(&format!(r#"{{"message":"sold"{ids}}}"#)).unwrap()
    }

    #[test]
    fn a_line_must_name_a_span_that_was_seen() {
        const TRACE: &str = r#","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736""#;
        let traces = [trace(checkout())];
        let with = |rest: &str| line(&format!("{TRACE}{rest}"));
        let of_telemetry = line(r#","target":"otel_setup""#);
        let correlated = with(r#","span_id":"0000000000000004""#);
        assert_logs_correlated(&traces, &[correlated, of_telemetry.clone()]);
        let message = failure(|| assert_logs_correlated(&traces, &[of_telemetry]));
        assert!(message.contains("no log line to correlate"), "{message}");
        let cases = [
            (line(""), "no trace_id and no span_id"),
            (with(""), "no span_id"),
            (line(r#","span_id":"0000000000000004""#), "no trace_id"),
            (with(r#","span_id":"4""#), "its span_id is not 16"),
            (
                with(r#","span_id":"00000000000000ff""#),
                "its trace has no span with its span_id",
            ),
            (
                line(
                    r#","trace_id":"4BF92F3577B34DA6A3CE929D0E0E4736","span_id":"0000000000000004""#,
                ),
                "its trace_id is not 32",
            ),
            (
                line(
                    r#","trace_id":"11111111111111111111111111111111","span_id":"0000000000000004""#,
                ),
                "no span with its trace_id",
            ),
        ];
        for (line, reason) in cases {
            let message = failure(|| assert_logs_correlated(&traces, std::slice::from_ref(&line)));
            assert!(message.contains(reason), "{message}");
            assert!(message.contains(&line.to_string()), "{message}");
            assert!(message.contains("price the cart"), "{message}");
        }
        assert!(failure(|| assert_logs_correlated(&traces, &[])).contains("no log line"));
    }

    #[test]
    fn a_secret_is_named_by_its_place() {
        let leaking = span(1, 0, "GET", 0, 1).attribute("url.full", "http://x/?token=abcdefgh1234");
        let traces = [trace(vec![leaking.build()])];
        assert_no_secret(&traces, &[line("")], "something-else");
        let message = failure(|| assert_no_secret(&traces, &[line("")], "abcdefgh1234"));
        assert!(
            message.contains("attribute url.full of span \"GET\": plain"),
            "{message}"
        );
        assert!(message.contains("1 trace was seen"), "{message}");
    }
}
