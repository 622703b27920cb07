//! What the demo prints.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use otel_testkit::{CheckReport, LogLine, Picture, Trace};

use super::stage::Answer;

pub(crate) fn answer(answer: &Answer) {
    let Answer { url, status, body } = answer;
    println!("GET {url}\n{status} {body}\n");
}

pub(crate) fn whole(trace: &Trace, logs: &[&(String, LogLine)], failed: bool) {
    with_lines(trace, logs);
    if failed {
        println!(
            "Look at: the look-up failed, and the error is marked on every span it passed, each with the error.type \
             that its own side saw."
        );
    } else {
        println!(
            "Look at: every span hangs under the one that caused it, across the two processes, and every line has the \
             trace_id of the picture and the span_id of the span it was written in."
        );
    }
}

pub(crate) fn flaky(trace: &Trace, logs: &[&(String, LogLine)]) {
    with_lines(trace, logs);
    println!(
        "Look at: three attempts, side by side under the span that made them. Each has told pricing its own id, so each of \
         pricing's spans hangs under its attempt; the second and the third carry http.request.resend_count 1 and 2."
    );
}

fn with_lines(trace: &Trace, logs: &[&(String, LogLine)]) {
    println!("{}", Picture::for_terminal(trace));
    println!("log lines of this trace");
    for (service, line) in logs {
        println!("{service}  {line}");
    }
    println!();
}

pub(crate) fn broken(traces: &[Trace], check: &CheckReport) {
    for trace in traces {
        println!("{}", Picture::for_terminal(trace));
    }
    println!("what `otel-probe check` says, with both services asked in each format\n{check}");
    println!(
        "Look at: one request, two traces. The gateway sends its context as B3 (OTEL_PROPAGATORS=b3), pricing reads W3C \
         alone\n(OTEL_PROPAGATORS=tracecontext) and starts a trace of its own.\nRepair: give both the same format, or let \
         pricing read both: OTEL_PROPAGATORS=tracecontext,baggage,b3."
    );
}

pub(crate) fn exported(trace_id: &str, url: &str) {
    println!("The spans went to {url}. Look up trace {trace_id} there.");
}
