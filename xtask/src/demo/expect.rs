//! What must hold for the demo to have shown what it promises.

use anyhow::{anyhow, bail, ensure};
use otel_testkit::{Collector, LogLine, Trace};

use super::stage::LIMIT;

/// Parent first, each with its service: what a whole trace looks like.
const CHAIN: [(&str, &str); 5] = [
    ("gateway", "GET /checkout/{cart}"),
    ("gateway", "price cart"),
    ("gateway", "GET"),
    ("pricing", "GET /quote/{sku}"),
    ("pricing", "SELECT"),
];

/// How many spans one request makes.
pub(crate) const WHOLE: usize = CHAIN.len();

/// How many it makes where pricing is asked three times and looks up once.
pub(crate) const FLAKY: usize = 9;

/// Waits until as many spans have arrived as the request makes.
pub(crate) fn spans(collector: &Collector, expected: usize) -> anyhow::Result<Vec<Trace>> {
    Ok(collector.wait_for(|traces| count(traces) >= expected, LIMIT)?)
}

pub(crate) fn nothing_more(collector: &Collector, seen: &[Trace]) -> anyhow::Result<()> {
    let all = count(&collector.traces());
    ensure!(
        all == count(seen),
        "{all} spans have arrived, {} were expected",
        count(seen)
    );
    Ok(())
}

/// The one trace, with three attempts side by side, each of which says how often the request was sent before and has
/// pricing's span below it.
pub(crate) fn attempts(traces: &[Trace]) -> anyhow::Result<&Trace> {
    let trace = only(traces)?;
    let parent = trace.span("price cart");
    let parent = parent.ok_or_else(|| anyhow!("there is no span price cart:\n{trace}"))?;
    let mut attempts = trace.children(parent);
    attempts.sort_by_key(|span| span.start());
    let seen: Vec<_> = attempts
        .iter()
        .map(|span| {
            let number = |key| span.attribute(key).map(ToString::to_string);
            let below = trace.children(span).len();
            let status = number("http.response.status_code");
            (status, number("http.request.resend_count"), below)
        })
        .collect();
    let text = |text: &str| Some(text.to_owned());
    let expected = [
        (text("503"), None, 1),
        (text("503"), text("1"), 1),
        (text("200"), text("2"), 1),
    ];
    ensure!(
        seen == expected && trace.spans().len() == FLAKY,
        "three attempts were expected below price cart:\n{trace}"
    );
    Ok(trace)
}

fn only(traces: &[Trace]) -> anyhow::Result<&Trace> {
    let [trace] = traces else {
        bail!("{} traces have arrived, one was expected", traces.len());
    };
    Ok(trace)
}

pub(crate) fn one_trace(traces: &[Trace]) -> anyhow::Result<&Trace> {
    let trace = only(traces)?;
    let mut spans = trace.roots();
    for (service, name) in CHAIN {
        let [span] = spans[..] else {
            bail!("expected one span {name} of {service} here:\n{trace}");
        };
        let matches = span.service() == Some(service) && span.name().starts_with(name);
        ensure!(
            matches,
            "expected {name} of {service}, not {}, in\n{trace}",
            span.name()
        );
        spans = trace.children(span);
    }
    ensure!(
        spans.is_empty(),
        "there are more spans than expected:\n{trace}"
    );
    Ok(trace)
}

pub(crate) fn broken_in_two(traces: &[Trace]) -> anyhow::Result<()> {
    ensure!(
        traces.len() == 2,
        "{} traces have arrived, two were expected",
        traces.len()
    );
    Ok(())
}

/// The lines with the trace's id, each of which must name a span of the trace; both services must have written some.
pub(crate) fn lines_of<'a>(
    trace: &Trace,
    logs: &'a [(String, LogLine)],
) -> anyhow::Result<Vec<&'a (String, LogLine)>> {
    let id = trace.id().to_string();
    let of_trace = |line: &LogLine| line.trace_id() == Some(&id);
    let lines: Vec<_> = logs.iter().filter(|(_, line)| of_trace(line)).collect();
    for (service, line) in &lines {
        let span = line.span_id().unwrap_or_default();
        let known = trace
            .spans()
            .iter()
            .any(|it| it.span_id().to_string() == span);
        ensure!(
            known,
            "a line of {service} names a span that is not in the trace: {line}"
        );
    }
    for service in ["gateway", "pricing"] {
        let wrote = lines.iter().any(|(name, _)| name == service);
        ensure!(wrote, "{service} wrote no line of trace {id}");
    }
    Ok(lines)
}

/// otel-setup logs what it cannot export.
pub(crate) fn exported(logs: &[(String, LogLine)], url: &str) -> anyhow::Result<()> {
    let is_failure = |line: &LogLine| line.target() == "otel_setup" && line.level() == "ERROR";
    match logs.iter().find(|(_, line)| is_failure(line)) {
        Some((service, line)) => bail!(
            "{service} could not send its spans to {url}; is an OTLP receiver listening there?\n{line}"
        ),
        None => Ok(()),
    }
}

pub(crate) fn trace_id(logs: &[(String, LogLine)]) -> anyhow::Result<&str> {
    let id = logs.iter().find_map(|(_, line)| line.trace_id());
    id.ok_or_else(|| anyhow!("no log line has a trace id"))
}

fn count(traces: &[Trace]) -> usize {
    traces.iter().map(|trace| trace.spans().len()).sum()
}
