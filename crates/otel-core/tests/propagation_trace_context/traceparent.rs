//! `traceparent`: its form, its versions and its flags.

use super::*;

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
            "{name}: an invalid header gives no parent"
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
            "{name}: tracestate only with a valid traceparent"
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
                format!("{:02x}", span.trace_flags()),
                sent,
                "{value}: both flags reach TraceFlags, and no other bit"
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
        // A level-2 key, which the API's TraceState does not accept.
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
            "{name}: a new span id"
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
