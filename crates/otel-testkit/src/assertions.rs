//! Assertions over several traces and log lines; those over one trace are methods of [`Trace`].

use std::fmt::Write as _;

use otel_core::context_loss;

use crate::{find_leaks, log_line::LogLine, trace::Trace, watched::pictures};

/// Asserts that there is exactly one trace, and returns it.
///
/// # Panics
///
/// Panics with the pictures of all traces if there are none or several.
#[track_caller]
#[allow(
    clippy::must_use_candidate,
    reason = "an assertion is used by calling it"
)]
pub fn assert_one_trace(traces: &[Trace]) -> &Trace {
    match traces {
        [only] => only,
        _ => panic!("expected exactly one trace, but {}", pictures(traces)),
    }
}

/// Asserts that a span named `from` has a link to a span named `to`, in the same trace or in another.
///
/// It is what a batch consumer owes its producers. Where several spans share a name, one such pair is enough.
///
/// # Panics
///
/// Panics with the pictures of all traces if there is no such link.
#[track_caller]
pub fn assert_linked(traces: &[Trace], from: &str, to: &str) {
    let spans = || traces.iter().flat_map(Trace::spans);
    let named = |name| spans().filter(move |span| span.name() == name);
    let targets: Vec<_> = named(to).map(|s| (s.trace_id(), s.span_id())).collect();
    let mut links = 0;
    for link in named(from).flat_map(|span| span.links()) {
        links += 1;
        let context = &link.span_context;
        if targets.contains(&(context.trace_id(), context.span_id())) {
            return;
        }
    }
    let reason = if named(from).next().is_none() {
        format!("there is no span named {from:?}")
    } else if targets.is_empty() {
        format!("there is no span named {to:?}, so {from:?} is not linked to it")
    } else if links == 0 {
        format!("{from:?} has no link, so it is not linked to {to:?}")
    } else {
        format!("none of the {links} links of {from:?} leads to {to:?}")
    };
    panic!("{reason}; {}", pictures(traces));
}

/// Asserts that there are log lines and that each names a span of these traces: `trace_id` and `span_id` in lower-case hex,
/// the span in that trace.
///
/// Give it the lines that must have ids; lines written outside of requests have none.
///
/// # Panics
///
/// Panics with the first lines that do not, why, and the pictures of all traces.
#[track_caller]
pub fn assert_logs_correlated(traces: &[Trace], logs: &[LogLine]) {
    assert!(
        !logs.is_empty(),
        "there is no log line to correlate; {}",
        pictures(traces)
    );
    let mut wrong = String::new();
    let mut count = 0;
    for line in logs {
        let Some(reason) = uncorrelated(traces, line) else {
            continue;
        };
        count += 1;
        if count <= MAX_LINES {
            let _ = write!(wrong, "\n{reason}: {line}"); // writing to a String does not fail
        }
    }
    assert!(
        count == 0,
        "{count} of {} log lines are not correlated:{wrong}\n{}",
        logs.len(),
        pictures(traces)
    );
}

/// Asserts that no span and no log line shows a secret, in any [form](crate::Form).
///
/// # Panics
///
/// Panics with each place where it leaked, and the pictures of all traces.
#[track_caller]
pub fn assert_no_secret(traces: &[Trace], logs: &[LogLine], secret: &str) {
    let leaks = find_leaks(traces, logs, secret);
    let list = leaks.iter().fold(String::new(), |mut list, leak| {
        let _ = write!(list, "\n{leak}"); // writing to a String does not fail
        list
    });
    assert!(
        leaks.is_empty(),
        "the secret leaked in {} places:{list}\n{}",
        leaks.len(),
        pictures(traces)
    );
}

/// Asserts that no context has been lost in this process since [`context_loss::start`](otel_core::context_loss::start).
///
/// Losses are counted for the whole process, so give a test that makes some a file of its own.
///
/// # Panics
///
/// Panics if detection was never started, or with each loss: its kind, its place, how often, and the section of the guide.
#[track_caller]
pub fn assert_no_context_loss() {
    assert!(
        context_loss::is_started(),
        "detection is off: call otel_core::context_loss::start() before the requests"
    );
    let losses = context_loss::losses();
    let list = losses.iter().fold(String::new(), |mut list, loss| {
        let _ = write!(list, "\n{loss}"); // writing to a String does not fail
        list
    });
    assert!(
        losses.is_empty(),
        "context was lost at {} places:{list}",
        losses.len()
    );
}

/// Says why a line's ids lead to no span of the traces, or `None` where they do.
pub(crate) fn uncorrelated(traces: &[Trace], line: &LogLine) -> Option<&'static str> {
    let (trace_id, span_id) = match (line.trace_id(), line.span_id()) {
        (None, None) => return Some("no trace_id and no span_id"),
        (None, _) => return Some("no trace_id"),
        (_, None) => return Some("no span_id"),
        (Some(trace_id), Some(span_id)) => (trace_id, span_id),
    };
    if !is_hex(trace_id, 32) {
        return Some("its trace_id is not 32 lower-case hex digits");
    }
    if !is_hex(span_id, 16) {
        return Some("its span_id is not 16 lower-case hex digits");
    }
    let Some(trace) = traces.iter().find(|it| it.id().to_string() == trace_id) else {
        return Some("its trace_id is of no trace that was seen");
    };
    let spans = trace.spans();
    if spans.iter().any(|it| it.span_id().to_string() == span_id) {
        None
    } else {
        Some("its span_id is of no span of its trace")
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == length && text.bytes().all(digit)
}

/// How many lines a failure shows.
const MAX_LINES: usize = 20;

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use opentelemetry::{
        TraceFlags,
        trace::{Link, SpanContext, TraceState},
    };

    use super::*;
    use crate::span::{
        Span,
        sample::{checkout, span, trace},
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
            ("nobody", "send", "there is no span named \"nobody\""),
            ("process", "nobody", "there is no span named \"nobody\", so"),
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
        assert_logs_correlated(&traces, &[with(r#","span_id":"0000000000000004""#)]);
        let cases = [
            (line(""), "no trace_id and no span_id"),
            (with(""), "no span_id"),
            (line(r#","span_id":"0000000000000004""#), "no trace_id"),
            (with(r#","span_id":"4""#), "its span_id is not 16"),
            (
                with(r#","span_id":"00000000000000ff""#),
                "its span_id is of no span",
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
                "its trace_id is of no trace",
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
