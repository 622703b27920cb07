//! The context in the environment of a child process. The child is this test program, started again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::env;
use std::process::{Command, Stdio};

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};
use otel_core::process_environment::{extract, inject};
use otel_core::propagation::CompositePropagator;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";
const STALE: &str = "00-11111111111111111111111111111111-2222222222222222-01";
/// Set only in the child: the formats to read.
const CHILD: &str = "OTEL_CORE_TEST_CHILD_READS";
const SAYS: &str = "child says: ";

fn sent() -> Context {
    let span = SpanContext::new(
        TraceId::from_hex(TRACE).unwrap(),
        SpanId::from_hex(SPAN).unwrap(),
        TraceFlags::SAMPLED,
        true,
        TraceState::from_key_value([("vendor", "x")]).unwrap(),
    );
    Context::new()
        .with_remote_span_context(span)
        .with_baggage([KeyValue::new("tenant", "7")])
}

/// The part of each test that runs in the child. In the parent it does nothing.
#[test]
fn child() {
    let Ok(formats) = env::var(CHILD) else {
        return;
    };
    let propagator: CompositePropagator = formats.parse().unwrap();
    let cx = extract(&propagator, &Context::new());
    let span = cx.span();
    let span = span.span_context();
    println!(
        "{SAYS}{} {} {} {}",
        span.trace_id(),
        span.span_id(),
        span.trace_state().header(),
        cx.baggage().get("tenant").map_or("-", |v| v.as_str()),
    );
}

/// Starts the child and returns the context that it has read.
fn start(formats: &str, prepare: impl FnOnce(&mut Command)) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, formats)
        .stdin(Stdio::null());
    prepare(&mut command);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = String::from_utf8(output.stdout).unwrap();
    let said = output.split_once(SAYS).expect(&output).1;
    said.lines().next().unwrap().to_owned()
}

#[test]
fn a_child_process_continues_the_trace() {
    for formats in ["tracecontext,baggage", "b3,baggage", "b3multi,baggage"] {
        let propagator: CompositePropagator = formats.parse().unwrap();
        let found = start(formats, |command| inject(&propagator, &sent(), command));
        let state = match formats {
            "tracecontext,baggage" => "vendor=x",
            _ => "",
        };
        assert_eq!(found, format!("{TRACE} {SPAN} {state} 7"), "{formats}");
    }
}

#[test]
fn a_child_process_receives_the_random_flag() {
    let propagator: CompositePropagator = "tracecontext".parse().unwrap();
    for flags in [0, 1, 2, 3] {
        let mut command = Command::new("unused");
        let span = sent().span().span_context().clone();
        let span = SpanContext::new(
            span.trace_id(),
            span.span_id(),
            TraceFlags::new(flags),
            true,
            TraceState::NONE,
        );
        inject(
            &propagator,
            &Context::new().with_remote_span_context(span),
            &mut command,
        );
        let mut all = command.get_envs();
        let traceparent = all.find(|(name, _)| *name == "TRACEPARENT").unwrap().1;
        let expected = format!("00-{TRACE}-{SPAN}-0{flags}");
        assert_eq!(traceparent.unwrap().to_str(), Some(&*expected));
    }
}

#[test]
fn the_variables_have_the_specified_names() {
    let propagator: CompositePropagator = "tracecontext,baggage,b3,b3multi".parse().unwrap();
    let mut command = Command::new("unused");
    inject(&propagator, &sent(), &mut command);
    let mut names: Vec<_> = command
        .get_envs()
        .filter(|(_, value)| value.is_some())
        .map(|(name, _)| name.to_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(
        names.join(" "),
        "B3 BAGGAGE TRACEPARENT TRACESTATE X_B3_SAMPLED X_B3_SPANID X_B3_TRACEID"
    );
}

#[test]
fn what_the_child_would_inherit_is_removed() {
    let formats = "tracecontext,b3,baggage";
    let inherited = [
        ("TRACEPARENT", STALE),
        ("TRACESTATE", "old=1"),
        ("BAGGAGE", "tenant=old"),
        ("B3", "11111111111111111111111111111111-2222222222222222-1"),
    ];
    let propagator: CompositePropagator = formats.parse().unwrap();
    let before = start(formats, |command| {
        command.envs(inherited);
    });
    assert!(before.starts_with("1111"), "{before}");
    let after = start(formats, |command| {
        command.envs(inherited);
        inject(&propagator, &Context::new(), command);
    });
    let (no_trace, no_span) = (TraceId::INVALID, SpanId::INVALID);
    assert_eq!(after, format!("{no_trace} {no_span}  -"));
}

#[test]
fn other_variables_of_the_command_stay() {
    let propagator: CompositePropagator = "tracecontext".parse().unwrap();
    let mut command = Command::new("unused");
    command.env("PATH", "/bin").env("TRACEPARENT", STALE);
    inject(&propagator, &sent(), &mut command);
    let find = |wanted: &str| {
        let mut all = command.get_envs();
        all.find(|(name, _)| *name == wanted)?.1?.to_str()
    };
    assert_eq!(find("PATH"), Some("/bin"));
    assert_eq!(find("TRACEPARENT"), Some(&*format!("00-{TRACE}-{SPAN}-01")));
}

#[test]
fn a_hostile_environment_is_no_parent() {
    let cases = [
        ("empty", ""),
        ("not a context", "00-0-0-01"),
        (
            "two",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01,x",
        ),
    ];
    for (name, value) in cases {
        let found = start("tracecontext", |command| {
            command.env("TRACEPARENT", value);
        });
        assert!(found.starts_with(&TraceId::INVALID.to_string()), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_passed_over() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let propagator: CompositePropagator = "tracecontext,baggage".parse().unwrap();
    let found = start("tracecontext,baggage", |command| {
        inject(&propagator, &sent(), command);
        command.env("BAGGAGE", OsStr::from_bytes(b"tenant=\xff"));
    });
    assert_eq!(found, format!("{TRACE} {SPAN} vendor=x -"));
}
