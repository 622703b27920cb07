//! `tracestate`: which members are kept, in which order, and which header is sent.

use super::*;

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
        ("no equals sign, and a valid member", &["bar=1,foo"], ""),
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
    let sent = |state: &TraceState| {
        let (trace, parent) = (TraceId::from(1), SpanId::from(1));
        let span = SpanContext::new(trace, parent, TraceFlags::SAMPLED, false, state.clone());
        let headers = sent(&Context::new().with_remote_span_context(span));
        headers["tracestate"].to_str().unwrap().to_owned()
    };
    let members: Vec<_> = (0..32).map(|i| (format!("k{i}"), "v")).collect();
    let state = TraceState::from_key_value(members).unwrap();
    let state = state.insert("k5", "new").unwrap();
    let header = sent(&state);
    assert!(
        header.starts_with("k5=new,k0=v,k1=v"),
        "changed member to the left"
    );
    assert_eq!(header.split(',').count(), 32, "changed, not added");
    let state = state.insert("own", "1").unwrap();
    let header = sent(&state);
    assert!(
        header.starts_with("own=1,k5=new,k0=v"),
        "added member to the left"
    );
    assert_eq!(
        (header.split(',').count(), header.contains("k31=")),
        (32, false),
        "rightmost dropped"
    );
    for (key, value) in [
        ("Bad", "1"),
        ("a", ""),
        ("a", "x,y=z"),
        ("a", "trailing "),
        ("", "1"),
    ] {
        // The API's type does not accept some of these. The others are not sent.
        if let Ok(state) = TraceState::from_key_value([(key, value), ("ok", "1")]) {
            assert_eq!(sent(&state), "ok=1", "{key}={value}");
        }
    }
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
