//! W3C Trace Context level 2, rule by rule, as a carrier of HTTP headers sees it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

use std::collections::HashMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::{
    Context,
    propagation::{Extractor, TextMapPropagator as _},
    trace::{
        SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
        TracerProvider as _, noop::NoopTracerProvider,
    },
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use otel_core::propagation::{TraceContextPropagator, Traceparent, Tracestate, extract, inject};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";

fn headers<'a>(lines: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn extracted(lines: &[(&str, &str)]) -> Context {
    let lines = lines.iter().map(|(name, value)| (*name, value.as_bytes()));
    extract(
        &TraceContextPropagator::new(),
        &Context::new(),
        &headers(lines),
    )
}

fn sent(cx: &Context) -> HeaderMap {
    let mut headers = HeaderMap::new();
    inject(&TraceContextPropagator::new(), cx, &mut headers);
    headers
}

/// What a service without an SDK sends after it received these lines.
fn passed_on(lines: &[(&str, &str)]) -> (Option<String>, Option<String>) {
    let tracer = NoopTracerProvider::new().tracer("test");
    let parent = extracted(lines);
    let span = tracer.start_with_context("request", &parent);
    let headers = sent(&parent.with_span(span));
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    (text("traceparent"), text("tracestate"))
}

#[test]
fn traceparent_is_checked_strictly() {
    let t = "0af7651916cd43dd8448eb211c80319c";
    let s = "b7ad6b7169203331";
    let long = format!("cc-{t}-{s}-01-{}", "x".repeat(64 * 1024));
    let cases = [
        ("version 00", PARENT, true),
        (
            "blanks around the value",
            " \t00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\t ",
            true,
        ),
        ("blank inside", &format!("00-{t}- {s}-01"), false),
        ("empty", "", false),
        ("version of one digit", &format!("0-{t}-{s}-01"), false),
        ("version of three digits", &format!("000-{t}-{s}-01"), false),
        ("version of four digits", &format!("0000-{t}-{s}-01"), false),
        ("version ff", &format!("ff-{t}-{s}-01"), false),
        (
            "version with an uppercase digit",
            &format!("cC-{t}-{s}-01"),
            false,
        ),
        ("version that is no hex", &format!(".0-{t}-{s}-01"), false),
        (
            "trace-id too short",
            &format!("00-{}-{s}-01", &t[1..]),
            false,
        ),
        ("trace-id too long", &format!("00-{t}0-{s}-01"), false),
        (
            "short trace-id made up by a long parent-id",
            &format!("00-{}-{s}0-01", &t[1..]),
            false,
        ),
        (
            "trace-id with a sign",
            &format!("00-+{}-{s}-01", &t[1..]),
            false,
        ),
        (
            "trace-id with an uppercase digit",
            &format!("00-{}-{s}-01", t.to_uppercase()),
            false,
        ),
        (
            "trace-id with another letter",
            &format!("00-g{}-{s}-01", &t[1..]),
            false,
        ),
        (
            "trace-id of zeros",
            &format!("00-{}-{s}-01", "0".repeat(32)),
            false,
        ),
        (
            "parent-id too short",
            &format!("00-{t}-{}-01", &s[1..]),
            false,
        ),
        ("parent-id too long", &format!("00-{t}-{s}0-01"), false),
        (
            "parent-id with a sign",
            &format!("00-{t}-+{}-01", &s[1..]),
            false,
        ),
        (
            "parent-id with an uppercase digit",
            &format!("00-{t}-{}-01", s.to_uppercase()),
            false,
        ),
        (
            "parent-id of zeros",
            &format!("00-{t}-{}-01", "0".repeat(16)),
            false,
        ),
        ("flags of one digit", &format!("00-{t}-{s}-1"), false),
        ("flags of three digits", &format!("00-{t}-{s}-001"), false),
        ("flags with a sign", &format!("00-{t}-{s}-+1"), false),
        (
            "flags with an uppercase digit",
            &format!("00-{t}-{s}-0A"),
            false,
        ),
        ("no flags", &format!("00-{t}-{s}"), false),
        ("no flags but a dash", &format!("00-{t}-{s}-"), false),
        ("underscores for dashes", &format!("00_{t}_{s}_01"), false),
        (
            "dash after the flags of version 00",
            &format!("00-{t}-{s}-01-"),
            false,
        ),
        (
            "more after the flags of version 00",
            &format!("00-{t}-{s}-01-what"),
            false,
        ),
        (
            "two values in one line",
            &format!("{PARENT},{PARENT}"),
            false,
        ),
        ("version 01", &format!("01-{t}-{s}-01"), true),
        ("version fe", &format!("fe-{t}-{s}-01"), true),
        (
            "higher version with a dash at the end",
            &format!("cc-{t}-{s}-01-"),
            true,
        ),
        (
            "higher version with more",
            &format!("cc-{t}-{s}-01-what-the-future"),
            true,
        ),
        (
            "higher version with a dot",
            &format!("cc-{t}-{s}-01.what"),
            false,
        ),
        (
            "higher version with a third flag digit",
            &format!("cc-{t}-{s}-012"),
            false,
        ),
        (
            "higher version that is shorter",
            &format!("cc-{t}-{s}-0"),
            false,
        ),
        (
            "higher version with a comma",
            &format!("cc-{t}-{s}-01-what,{PARENT}"),
            false,
        ),
        ("higher version of 64 KiB", &long, false),
    ];
    for (name, value, valid) in cases {
        let cx = extracted(&[("traceparent", value), ("tracestate", "foo=1")]);
        assert_eq!(cx.span().span_context().is_valid(), valid, "{name}");
        assert_eq!(
            cx.has_active_span(),
            valid,
            "{name}: an invalid header is no parent"
        );
        let (traceparent, tracestate) =
            passed_on(&[("traceparent", value), ("tracestate", "foo=1")]);
        assert_eq!(
            traceparent.as_deref(),
            valid.then_some(PARENT),
            "{name}: sent as version 00"
        );
        assert_eq!(
            tracestate.as_deref(),
            valid.then_some("foo=1"),
            "{name}: tracestate only beside traceparent"
        );
    }
}

#[test]
fn the_error_names_field_position_and_reason() {
    let long = "0".repeat(64 * 1024);
    let cases = [
        (
            "uppercase",
            "00-0aF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            5,
            "trace-id has an uppercase digit",
        ),
        (
            "sign",
            "00-0af7651916cd43dd8448eb211c80319c-+7ad6b7169203331-01",
            36,
            "parent-id has no hex digit",
        ),
        (
            "second half",
            "00-0af7651916cd43dd8448eb211c8031.c-b7ad6b7169203331-01",
            33,
            "trace-id has no hex digit",
        ),
        (
            "zeros",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            36,
            "parent-id is all zeros",
        ),
        (
            "flags",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
            54,
            "flags has no hex digit",
        ),
        (
            "dash",
            "00-0af7651916cd43dd8448eb211c80319c.b7ad6b7169203331-01",
            35,
            "trace-id is not followed by a dash",
        ),
        (
            "ff",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            0,
            "version is ff",
        ),
        (
            "tail",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            55,
            "flags is followed by more",
        ),
        ("short", "00-0af7", 7, "value ends too early"),
        ("64 KiB", &long, 512, "value is too long"),
    ];
    for (name, value, position, reason) in cases {
        let error = value.parse::<Traceparent>().unwrap_err();
        assert_eq!(
            (error.field(), error.position()),
            ("traceparent", position),
            "{name}"
        );
        let start = format!("traceparent: {reason} at position {position}; ");
        assert!(error.to_string().starts_with(&start), "{name}: {error}");
        assert_eq!(error.is_limit(), name == "64 KiB", "{name}");
    }
}

#[test]
fn traceparent_is_no_list() {
    let other = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let cases: [(&str, &[&[u8]]); 4] = [
        ("two lines", &[PARENT.as_bytes(), other.as_bytes()]),
        ("two equal lines", &[PARENT.as_bytes(), PARENT.as_bytes()]),
        (
            "a line that is not ASCII before",
            &["é".as_bytes(), PARENT.as_bytes()],
        ),
        (
            "a line that is not UTF-8 behind",
            &[PARENT.as_bytes(), &[0xff]],
        ),
    ];
    for (name, lines) in cases {
        let headers = headers(lines.iter().map(|line| ("traceparent", *line)));
        let cx = extract(&TraceContextPropagator::new(), &Context::new(), &headers);
        assert!(!cx.has_active_span(), "{name}");
    }
}

#[test]
fn header_names_match_without_case_and_are_sent_in_lowercase() {
    for name in ["traceparent", "TraceParent", "TRACEPARENT"] {
        assert!(
            extracted(&[(name, PARENT)])
                .span()
                .span_context()
                .is_valid(),
            "{name}"
        );
    }
    for name in ["trace-parent", "trace.parent", "traceparent2"] {
        assert!(!extracted(&[(name, PARENT)]).has_active_span(), "{name}");
    }
    let mut carrier = Names(Vec::new());
    let cx = extracted(&[("traceparent", PARENT), ("tracestate", "a=1")]);
    TraceContextPropagator::new().inject_context(&cx, &mut carrier);
    assert_eq!(carrier.0, ["traceparent", "tracestate"]);
}

struct Names(Vec<String>);

impl opentelemetry::propagation::Injector for Names {
    fn set(&mut self, key: &str, _value: String) {
        self.0.push(key.to_owned());
    }
}

#[test]
fn flags_are_compared_as_bits_and_leave_as_they_came() {
    for version in ["00", "01", "fe"] {
        for (flags, sampled, sent) in [
            ("00", false, "00"),
            ("01", true, "01"),
            ("02", false, "02"),
            ("03", true, "03"),
            ("08", false, "00"),
            ("09", true, "01"),
            ("fe", false, "02"),
            ("ff", true, "03"),
        ] {
            let value = format!("{version}-{TRACE_ID}-b7ad6b7169203331-{flags}");
            let cx = extracted(&[("traceparent", &value)]);
            let span = cx.span().span_context().clone();
            assert_eq!(span.is_sampled(), sampled, "{value}");
            assert_eq!(
                span.trace_flags().to_u8() & !1,
                0,
                "{value}: no other bit may reach TraceFlags"
            );
            let expected = format!("00-{TRACE_ID}-b7ad6b7169203331-{sent}");
            assert_eq!(
                passed_on(&[("traceparent", &value)]).0,
                Some(expected),
                "{value}"
            );
        }
    }
}

#[test]
fn random_flag_and_tracestate_survive_sdk_spans() {
    let cases = [
        ("always on", Sampler::AlwaysOn, "03", "03"),
        (
            "always on, caller did not sample",
            Sampler::AlwaysOn,
            "02",
            "03",
        ),
        ("always off", Sampler::AlwaysOff, "03", "02"),
        (
            "parent-based",
            Sampler::ParentBased(Box::new(Sampler::AlwaysOff)),
            "03",
            "03",
        ),
        (
            "parent-based, caller did not sample",
            Sampler::ParentBased(Box::new(Sampler::AlwaysOn)),
            "02",
            "02",
        ),
        ("not random stays not random", Sampler::AlwaysOn, "01", "01"),
    ];
    for (name, sampler, came, leaves) in cases {
        let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
        let tracer = provider.tracer("test");
        let traceparent = format!("00-{TRACE_ID}-b7ad6b7169203331-{came}");
        // A level-2 key, which the API's TraceState refuses.
        let cx = extracted(&[("traceparent", &traceparent), ("tracestate", "a@@b=1, c=2")]);
        let cx = cx.with_span(tracer.start_with_context("server", &cx));
        let cx = cx.with_span(tracer.start_with_context("client", &cx));
        let span_id = cx.span().span_context().span_id();
        let headers = sent(&cx);
        assert_eq!(
            headers["traceparent"],
            format!("00-{TRACE_ID}-{span_id}-{leaves}"),
            "{name}"
        );
        assert_eq!(headers["tracestate"], "a@@b=1,c=2", "{name}");
        assert_ne!(
            span_id.to_string(),
            "b7ad6b7169203331",
            "{name}: a span of its own"
        );
    }
}

#[test]
fn a_restarted_trace_inherits_nothing() {
    let provider = SdkTracerProvider::builder().build();
    let tracer = provider.tracer("test");
    let parent = format!("00-{TRACE_ID}-b7ad6b7169203331-03");
    let cx = extracted(&[("traceparent", &parent), ("tracestate", "a@@b=1")]);
    let root = tracer.start_with_context("root", &Context::new());
    let cx = cx.with_span(root);
    let headers = sent(&cx);
    let span = cx.span().span_context().clone();
    assert_eq!(
        headers["traceparent"],
        format!("00-{}-{}-01", span.trace_id(), span.span_id())
    );
    assert!(!headers.contains_key("tracestate"));
}

#[test]
fn random_trace_ids_marks_only_traces_that_begin_here() {
    let provider = SdkTracerProvider::builder().build();
    let tracer = provider.tracer("test");
    let propagator = TraceContextPropagator::new().random_trace_ids(true);
    let flags = |cx: &Context| {
        let mut sent = HashMap::new();
        propagator.inject_context(cx, &mut sent);
        sent["traceparent"][53..].to_owned()
    };
    let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
    assert_eq!(flags(&root), "03", "begun here");

    for came in ["00", "01", "02", "03"] {
        let mut carrier = HashMap::new();
        carrier.insert(
            "traceparent".to_owned(),
            format!("00-{TRACE_ID}-b7ad6b7169203331-{came}"),
        );
        let cx = propagator.extract_with_context(&Context::new(), &carrier);
        assert_eq!(flags(&cx), came, "passed on");
        let random = u8::from_str_radix(came, 16).unwrap() & 2;
        let child = cx.with_span(tracer.start_with_context("child", &cx));
        assert_eq!(
            u8::from_str_radix(&flags(&child), 16).unwrap() & 2,
            random,
            "continued: {came}"
        );
    }
    let foreign = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    let foreign = Context::new().with_remote_span_context(foreign);
    assert_eq!(
        flags(&foreign),
        "01",
        "a caller's span that another propagator read"
    );

    let unsampled = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOff)
        .build()
        .tracer("test");
    let root = Context::new().with_span(unsampled.start_with_context("root", &Context::new()));
    assert_eq!(flags(&root), "02", "not sampled");
}

#[test]
fn tracestate_rules() {
    let members = |n: usize| {
        (0..n)
            .map(|i| format!("k{i}=v{i}"))
            .collect::<Vec<_>>()
            .join(",")
    };
    let (m32, m33, m16) = (members(32), members(33), members(16));
    let key256 = format!("{}=1", "k".repeat(256));
    let key257 = format!("{}=1", "k".repeat(257));
    let value256 = format!("k={}", "v".repeat(256));
    let value257 = format!("k={}", "v".repeat(257));
    let longest = vec![format!("{}={}", "k".repeat(256), "v".repeat(256)); 32].join(",");
    let huge = "x".repeat(64 * 1024);
    let fifteen = format!("t@{}=1", "s".repeat(15));
    let cases: [(&str, &[&str], &str); 46] = [
        ("one member", &["foo=1"], "foo=1"),
        ("two lines are one list", &["foo=1", "bar=2"], "foo=1,bar=2"),
        ("an empty first line hides nothing", &["", "foo=1"], "foo=1"),
        (
            "an empty line between",
            &["foo=1", "", "bar=2"],
            "foo=1,bar=2",
        ),
        ("empty header is accepted and not sent", &[""], ""),
        ("only commas", &[",,,"], ""),
        ("empty members", &["foo=1,,bar=2,"], "foo=1,bar=2"),
        (
            "blanks around members",
            &["foo=1 \t, \tbar=2 ,\t"],
            "foo=1,bar=2",
        ),
        ("33 members", &[&m33], ""),
        ("32 members", &[&m32], &m32),
        ("33 members over two lines", &[&m32, "x=1"], ""),
        (
            "32 members over two lines",
            &[&m16, "a=1"],
            &format!("{m16},a=1"),
        ),
        ("empty members do not count", &[&format!(",{m32},,")], &m32),
        (
            "duplicates stay",
            &["foo=1,foo=2,foo=1"],
            "foo=1,foo=2,foo=1",
        ),
        ("no equals sign", &["foo"], ""),
        ("no equals sign beside a valid member", &["bar=1,foo"], ""),
        ("empty value", &["foo="], ""),
        ("empty key", &["=1"], ""),
        ("two equals signs", &["foo==bar"], ""),
        ("equals sign in the value", &["foo=bar=baz"], ""),
        ("key of 256", &[&key256], &key256),
        ("key of 257", &[&key257], ""),
        ("value of 256", &[&value256], &value256),
        ("value of 257", &[&value257], ""),
        ("longest header", &[&longest], &longest),
        ("64 KiB", &[&huge], ""),
        ("key with a digit first", &["1a=1"], "1a=1"),
        ("all key characters", &["a_-*/@0=1"], "a_-*/@0=1"),
        ("key with a dash first", &["-a=1"], ""),
        ("key with an at sign first", &["@a=1"], ""),
        ("key with an at sign last", &["foo@=1"], "foo@=1"),
        (
            "key with two at signs",
            &["foo@@bar=1,bar=2"],
            "foo@@bar=1,bar=2",
        ),
        (
            "key with at signs apart",
            &["foo@bar@baz=1"],
            "foo@bar@baz=1",
        ),
        (
            "fourteen behind the at sign",
            &["t@ssssssssssssss=1"],
            "t@ssssssssssssss=1",
        ),
        ("fifteen behind the at sign", &[&fifteen], &fifteen),
        ("level-1 tenant with a digit first", &["0t@s=1"], "0t@s=1"),
        ("key with an uppercase letter", &["FOO=1"], ""),
        ("key with a dot", &["foo.bar=1"], ""),
        ("blank before the equals sign", &["foo =1"], ""),
        (
            "leading blanks of a value belong to it",
            &["foo=  1"],
            "foo=  1",
        ),
        ("trailing blanks of a value do not", &["foo=1  "], "foo=1"),
        ("value of blanks", &["foo=  "], ""),
        ("tab in a value", &["foo=a\tb"], ""),
        (
            "all value characters",
            &["foo= !\"#$%&'()*+-./:;<>?@[\\]^_`{|}~"],
            "foo= !\"#$%&'()*+-./:;<>?@[\\]^_`{|}~",
        ),
        ("value that is not ASCII", &["foo=é"], ""),
        (
            "a line that is not ASCII spoils the list",
            &["foo=1", "bar=é"],
            "",
        ),
    ];
    for (name, lines, expected) in cases {
        let mut all = vec![("traceparent", PARENT)];
        all.extend(lines.iter().map(|line| ("tracestate", *line)));
        let (traceparent, tracestate) = passed_on(&all);
        assert_eq!(
            traceparent.as_deref(),
            Some(PARENT),
            "{name}: tracestate never invalidates traceparent"
        );
        assert_eq!(tracestate.unwrap_or_default(), expected, "{name}");
        let parsed = Tracestate::from_lines(lines.iter().copied()).map(|state| state.to_string());
        assert_eq!(
            parsed.unwrap_or_default(),
            expected,
            "{name}: the type agrees"
        );
    }
}

#[test]
fn tracestate_is_read_beside_a_higher_version() {
    let traceparent = format!("cc-{TRACE_ID}-b7ad6b7169203331-01-what");
    let lines = [
        ("traceparent", traceparent.as_str()),
        ("tracestate", "a@@b=1"),
        ("tracestate", "c=2"),
    ];
    assert_eq!(
        passed_on(&lines),
        (Some(PARENT.to_owned()), Some("a@@b=1,c=2".to_owned()))
    );
}

#[test]
fn the_span_holds_the_members_that_the_api_allows() {
    let cx = extracted(&[("traceparent", PARENT), ("tracestate", "foo@@bar=1,baz=2")]);
    assert_eq!(cx.span().span_context().trace_state().get("baz"), Some("2"));
}

#[test]
fn a_changed_tracestate_is_sent_instead_of_the_one_that_came() {
    let cx = extracted(&[("traceparent", PARENT), ("tracestate", "foo@@bar=1,baz=2")]);
    let parent = cx.span().span_context().clone();
    let state = parent.trace_state().insert("own", "3").unwrap();
    let span = SpanContext::new(
        parent.trace_id(),
        SpanId::from(7),
        TraceFlags::SAMPLED,
        false,
        state,
    );
    let headers = sent(&cx.with_remote_span_context(span));
    assert_eq!(headers["tracestate"], "own=3,baz=2");
}

#[test]
fn a_tracestate_that_would_spoil_the_header_is_not_sent() {
    let state =
        TraceState::from_key_value([("a", "x\r\nevil: 1"), ("", "1"), ("b", ""), ("c", "1")])
            .unwrap();
    let span = SpanContext::new(
        TraceId::from(1),
        SpanId::from(1),
        TraceFlags::SAMPLED,
        false,
        state,
    );
    let mut carrier = HashMap::new();
    TraceContextPropagator::new()
        .inject_context(&Context::new().with_remote_span_context(span), &mut carrier);
    assert_eq!(carrier["tracestate"], "c=1");
}

#[test]
fn tracestate_mutation_puts_the_member_left_and_drops_the_rightmost() {
    let mut state: Tracestate = (0..32)
        .map(|i| format!("k{i}=v"))
        .collect::<Vec<_>>()
        .join(",")
        .parse()
        .unwrap();
    state.insert("k5", "new").unwrap();
    assert!(
        state.as_str().starts_with("k5=new,k0=v,k1=v"),
        "changed member to the left"
    );
    assert_eq!(state.members().count(), 32, "changed, not added");
    state.insert("own", "1").unwrap();
    assert!(
        state.as_str().starts_with("own=1,k5=new,k0=v"),
        "added member to the left"
    );
    assert_eq!(
        (state.members().count(), state.get("k31")),
        (32, None),
        "rightmost dropped"
    );
    let before = state.clone();
    for (key, value) in [
        ("Bad", "1"),
        ("a", ""),
        ("a", "x,y=z"),
        ("a", "trailing "),
        ("", "1"),
    ] {
        assert!(state.insert(key, value).is_err(), "{key}={value}");
    }
    assert_eq!(state, before);
}

#[test]
fn the_tracestate_error_names_position_and_reason() {
    let many = vec!["a=1"; 33].join(",");
    let huge = "x".repeat(64 * 1024);
    let cases = [
        (
            "key",
            "a=1, Foo=2",
            5,
            "key has a forbidden character at position 5",
        ),
        (
            "value",
            "a=1,b=\t2=",
            6,
            "value has a forbidden character at position 6",
        ),
        (
            "no equals sign",
            "a=1,\tfoo",
            5,
            "member has no '=' at position 5",
        ),
        ("empty value", "a=", 2, "value is empty at position 2"),
        (
            "33",
            &many,
            128,
            "list is too long at position 128; use at most 32 members",
        ),
        (
            "64 KiB",
            &huge,
            16447,
            "value is too long at position 16447",
        ),
    ];
    for (name, value, position, reason) in cases {
        let error = value.parse::<Tracestate>().unwrap_err();
        assert_eq!(
            (error.field(), error.position()),
            ("tracestate", position),
            "{name}"
        );
        assert!(error.to_string().contains(reason), "{name}: {error}");
    }
}

/// An extractor of the kind that has no `get_all` of its own.
struct FirstLine(&'static str, &'static str);

impl Extractor for FirstLine {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.0),
            "tracestate" => Some(self.1),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

#[test]
fn an_extractor_without_get_all_gives_its_first_line() {
    let cx = TraceContextPropagator::new()
        .extract_with_context(&Context::new(), &FirstLine(PARENT, "foo=1"));
    assert_eq!(cx.span().span_context().trace_state().header(), "foo=1");
}

#[test]
fn nothing_is_sent_without_a_span_and_no_empty_tracestate() {
    assert!(sent(&Context::new()).is_empty());
    assert!(!sent(&extracted(&[("traceparent", PARENT)])).contains_key("tracestate"));
}

#[test]
fn a_leftover_header_is_removed_before_sending() {
    let lines: [(&str, &[u8]); 4] = [
        ("traceparent", b"old"),
        ("traceparent", b"older"),
        ("tracestate", b"old=1"),
        ("accept", b"*/*"),
    ];
    let mut headers = headers(lines);
    inject(
        &TraceContextPropagator::new(),
        &extracted(&[("traceparent", PARENT)]),
        &mut headers,
    );
    assert_eq!(
        headers.get_all("traceparent").iter().collect::<Vec<_>>(),
        [PARENT]
    );
    assert!(!headers.contains_key("tracestate"));
    assert_eq!(headers["accept"], "*/*");
    inject(
        &TraceContextPropagator::new(),
        &Context::new(),
        &mut headers,
    );
    assert!(
        !headers.contains_key("traceparent"),
        "removed without a span as well"
    );
}
