//! W3C Baggage, rule by rule.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests, which fail by panicking"
)]

use std::collections::HashMap;

use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    Context, KeyValue,
    baggage::{Baggage, BaggageExt as _, KeyValueMetadata},
    propagation::TextMapPropagator as _,
};
use otel_core::propagation::{BaggagePropagator, extract, inject};

fn extracted(lines: &[&str]) -> Context {
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append("baggage", HeaderValue::from_bytes(line.as_bytes()).unwrap());
    }
    extract(&BaggagePropagator::new(), &Context::new(), &headers)
}

fn sent(cx: &Context) -> String {
    let mut headers = HeaderMap::new();
    inject(&BaggagePropagator::new(), cx, &mut headers);
    assert!(headers.get_all("baggage").iter().count() <= 1, "one line");
    headers
        .get("baggage")
        .map_or(String::new(), |value| value.to_str().unwrap().to_owned())
}

#[test]
fn members_are_read_and_leave_as_they_came() {
    // name, lines, value and properties of `k` in the application, header that is sent on
    type Case<'a> = (&'a str, &'a [&'a str], Option<(&'a str, &'a str)>, &'a str);
    let cases: [Case<'_>; 39] = [
        ("one member", &["k=v"], Some(("v", "")), "k=v"),
        (
            "order stays",
            &["z=1,k=v,a=2"],
            Some(("v", "")),
            "z=1,k=v,a=2",
        ),
        (
            "two lines are one list",
            &["a=1", "k=v"],
            Some(("v", "")),
            "a=1,k=v",
        ),
        (
            "an empty line hides nothing",
            &["", "k=v"],
            Some(("v", "")),
            "k=v",
        ),
        (
            "blanks around everything",
            &[" k \t=\t v ; p , a = 1 "],
            Some(("v", "p")),
            "k=v;p,a=1",
        ),
        (
            "value with equals signs",
            &["k=a=b=c"],
            Some(("a=b=c", "")),
            "k=a%3Db%3Dc",
        ),
        (
            "value that ends in an equals sign",
            &["k=dGVzdA=="],
            Some(("dGVzdA==", "")),
            "k=dGVzdA%3D%3D",
        ),
        ("empty value", &["k="], Some(("", "")), "k="),
        ("plus is a plus", &["k=a+b"], Some(("a+b", "")), "k=a+b"),
        (
            "encoded UTF-8",
            &["k=J%C3%BCrgen"],
            Some(("Jürgen", "")),
            "k=J%C3%BCrgen",
        ),
        (
            "encoded blanks at the ends belong to the value",
            &["k=%20v%20"],
            Some((" v ", "")),
            "k=%20v%20",
        ),
        (
            "encoded percent sign",
            &["k=100%25"],
            Some(("100%", "")),
            "k=100%25",
        ),
        (
            "encoded delimiters",
            &["k=a%2Cb%3Bc%22d%5Ce"],
            Some(("a,b;c\"d\\e", "")),
            "k=a%2Cb%3Bc%22d%5Ce",
        ),
        (
            "encoded though it need not be",
            &["k=%61"],
            Some(("a", "")),
            "k=%61",
        ),
        (
            "no UTF-8 becomes U+FFFD and leaves as it came",
            &["k=a%FFb"],
            Some(("a\u{fffd}b", "")),
            "k=a%FFb",
        ),
        (
            "percent sign without digits",
            &["k=%zz"],
            Some(("%zz", "")),
            "k=%25zz",
        ),
        (
            "all value characters",
            &["k=!#$%25&'()*+-./09:<=>?@AZ[]^_`az{|}~"],
            Some(("!#$%&'()*+-./09:<=>?@AZ[]^_`az{|}~", "")),
            "k=!#$%25&'()*+-./09:<%3D>?@AZ[]^_`az{|}~",
        ),
        (
            "properties stay raw and in order",
            &["k=v;b=%2C%3B;a;b=1"],
            Some(("v", "b=%2C%3B;a;b=1")),
            "k=v;b=%2C%3B;a;b=1",
        ),
        (
            "an encoded comma in a property adds no member",
            &["k=v;p=%2Cevil=1"],
            Some(("v", "p=%2Cevil=1")),
            "k=v;p=%2Cevil=1",
        ),
        (
            "an encoded line break in a property",
            &["k=v;p=%0D%0Aevil"],
            Some(("v", "p=%0D%0Aevil")),
            "k=v;p=%0D%0Aevil",
        ),
        (
            "blanks between properties",
            &["k=v;a ; b"],
            Some(("v", "a ; b")),
            "k=v;a ; b",
        ),
        ("semicolon at the end", &["k=v;"], Some(("v", "")), "k=v"),
        (
            "key is a token, not decoded",
            &["%6b=1,k=v"],
            Some(("v", "")),
            "%6b=1,k=v",
        ),
        (
            "key is case-sensitive",
            &["K=1,k=v"],
            Some(("v", "")),
            "K=1,k=v",
        ),
        (
            "all key characters",
            &["!#$%&'*+-.^_`|~09AZaz=1,k=v"],
            Some(("v", "")),
            "!#$%&'*+-.^_`|~09AZaz=1,k=v",
        ),
        (
            "equal members are sent once",
            &["k=v,k=1,k=v"],
            Some(("v", "")),
            "k=v",
        ),
        (
            "the last of equal keys counts",
            &["k=1;p,a=1,k=v"],
            Some(("v", "")),
            "a=1,k=v",
        ),
        (
            "only the member without equals sign is dropped",
            &["foo,k=v"],
            Some(("v", "")),
            "k=v",
        ),
        (
            "only the member without key is dropped",
            &["=1,k=v"],
            Some(("v", "")),
            "k=v",
        ),
        ("blank in a key", &["a b=1,k=v"], Some(("v", "")), "k=v"),
        ("blank in a value", &["a=1 2,k=v"], Some(("v", "")), "k=v"),
        ("quote in a value", &["a=\"1\",k=v"], Some(("v", "")), "k=v"),
        (
            "backslash in a value",
            &["a=1\\2,k=v"],
            Some(("v", "")),
            "k=v",
        ),
        (
            "value that is not ASCII",
            &["a=é,k=v"],
            Some(("v", "")),
            "k=v",
        ),
        (
            "property that is not ASCII",
            &["a=1;é,k=v"],
            Some(("v", "")),
            "k=v",
        ),
        ("bracket in a key", &["a[]=1,k=v"], Some(("v", "")), "k=v"),
        ("empty members", &[",k=v,,"], Some(("v", "")), "k=v"),
        ("empty header", &[""], None, ""),
        ("nothing valid", &["a,b;c=1"], None, ""),
    ];
    for (name, lines, seen, expected) in cases {
        let cx = extracted(lines);
        let baggage = cx
            .baggage()
            .get_with_metadata("k")
            .map(|(value, properties)| (value.as_str(), properties.as_str()));
        assert_eq!(baggage, seen, "{name}");
        assert_eq!(sent(&cx), expected, "{name}");
    }
}

#[test]
fn absent_and_invalid_headers_leave_the_parent_as_it_is() {
    let parent = Context::new().with_baggage([KeyValue::new("k", "v")]);
    for (name, line) in [
        ("absent", None),
        ("empty", Some("")),
        ("malformed", Some("a b")),
    ] {
        let carrier: HashMap<String, String> = line
            .map(|l| ("baggage".to_owned(), l.to_owned()))
            .into_iter()
            .collect();
        let cx = BaggagePropagator::new().extract_with_context(&parent, &carrier);
        assert_eq!(
            cx.baggage().get("k").map(|v| v.as_str()),
            Some("v"),
            "{name}"
        );
    }
}

#[test]
fn what_the_application_sets_is_encoded() {
    let cases = [
        ("plain", "v", "", "k=v"),
        ("percent sign", "100%", "", "k=100%25"),
        ("what looks encoded", "%41", "", "k=%2541"),
        ("backslash and quote", "a\\b\"c", "", "k=a%5Cb%22c"),
        ("delimiters", "a,b;c=d", "", "k=a%2Cb%3Bc%3Dd"),
        ("blanks at the ends", " v ", "", "k=%20v%20"),
        ("line break", "a\r\nb", "", "k=a%0D%0Ab"),
        ("UTF-8", "Jürgen", "", "k=J%C3%BCrgen"),
        ("properties", "v", "a=1;b", "k=v;a=1;b"),
        ("properties with the separator", "v", ";a=1;", "k=v;a=1"),
        ("encoded properties stay", "v", "a=%2C", "k=v;a=%2C"),
        (
            "properties that would add a member",
            "v",
            "a,evil=1",
            "k=v;a%2Cevil=1",
        ),
        (
            "properties that would break the line",
            "v",
            "a\r\nevil: é",
            "k=v;a%0D%0Aevil%3A%20%C3%A9",
        ),
    ];
    for (name, value, properties, expected) in cases {
        let cx =
            Context::new().with_baggage([KeyValueMetadata::new("k", value.to_owned(), properties)]);
        assert_eq!(sent(&cx), expected, "{name}");
        let back = extracted(&[expected]);
        assert_eq!(
            back.baggage().get("k").map(|v| v.as_str()),
            Some(value),
            "{name}: read back"
        );
    }
}

#[test]
fn a_received_value_leaves_with_equals_signs_and_stray_percents_encoded() {
    // value in the application, received value, value that is sent on
    let cases = [
        ("a=b", "a=b", "a%3Db"),
        ("==", "==", "%3D%3D"),
        ("100%", "100%", "100%25"),
        ("%", "%", "%25"),
        ("%%", "%%", "%25%25"),
        ("%4", "%4", "%254"),
        ("%zz", "%zz", "%25zz"),
        ("%4z", "%4z", "%254z"),
        ("%=4", "%=4", "%25%3D4"),
        ("%A", "%%41", "%25%41"),
        ("%4A", "%4%41", "%254%41"),
        ("A=%", "%41=%", "%41%3D%25"),
        ("100%", "100%25", "100%25"),
        ("=", "%3d", "%3d"),
        ("\u{fffd}%", "%FF%", "%FF%25"),
    ];
    for (seen, value, expected) in cases {
        // The properties are raw, also with characters that are encoded in values.
        for properties in ["", ";p=100%;q=a=b;r=%zz ; s"] {
            let cx = extracted(&[&format!("a=1,k={value}{properties}")]);
            let baggage = cx.baggage().get("k").map(|value| value.as_str());
            assert_eq!(baggage, Some(seen), "{value}");
            assert_eq!(
                sent(&cx),
                format!("a=1,k={expected}{properties}"),
                "{value}"
            );
        }
    }
}

#[test]
fn a_list_at_the_limit_loses_no_member_to_encoding() {
    let filler = "v".repeat(8192 - "k=,a=b=c,p=100%".len());
    let full = format!("k={filler},a=b=c,p=100%");
    assert_eq!(full.len(), 8192);
    assert_eq!(sent(&extracted(&[&full])), full);
    let shorter = full.replacen("vvvvvv", "", 1);
    let encoded = shorter.replace("b=c", "b%3Dc").replace("100%", "100%25");
    assert_eq!(sent(&extracted(&[&shorter])), encoded);
}

#[test]
fn properties_that_the_application_sets_are_encoded() {
    let cases = [
        ("a blank", "note=a b", "note=a%20b"),
        ("a percent sign", "p=100%", "p=100%25"),
        ("no escape", "p=%zz", "p=%25zz"),
        ("an escape", "p=%20x", "p=%20x"),
        ("an equals sign", "p=a=b", "p=a%3Db"),
        ("a plus", "p=a+b", "p=a%2Bb"),
        ("UTF-8", "p=Jürgen", "p=J%C3%BCrgen"),
        ("a comma", "p=a,b=c", "p=a%2Cb%3Dc"),
        ("a quote and a backslash", "p=\"a\\", "p=%22a%5C"),
        ("blanks around", " p = v ; q ", "p=v;q"),
        ("an empty value", "p=", "p="),
        ("no key", "=v;p;;", "p"),
        ("a key that is no token", "a b/c=1", "a%20b%2Fc=1"),
        (
            "all characters of a token",
            "!#$%&'*+-.^_`|~09AZaz",
            "!#$%&'*+-.^_`|~09AZaz",
        ),
    ];
    for (name, properties, expected) in cases {
        let cx = Context::new().with_baggage([KeyValueMetadata::new("k", "v", properties)]);
        let sent = sent(&cx);
        assert_eq!(sent, format!("k=v;{expected}"), "{name}");
        BaggagePropagator::check(&sent).unwrap();
    }
}

#[test]
fn received_properties_stay_raw_beside_a_changed_value() {
    let properties = "p=100%;q=a=b ; r=%zz";
    let cx = extracted(&[&format!("k=v;{properties}")]);
    let changed = cx.with_baggage([KeyValueMetadata::new("k", "w x", properties)]);
    assert_eq!(sent(&changed), format!("k=w%20x;{properties}"));
    let changed = cx.with_baggage([KeyValueMetadata::new("k", "v", "p=100%")]);
    assert_eq!(sent(&changed), "k=v;p=100%25");
}

#[test]
fn a_smaller_limit_sends_whole_members_only() {
    let cx = extracted(&["a=1234;p=%20,b=1234567890,c=1,d=2"]);
    let cx = cx.with_baggage(cx.baggage().iter().map(|(key, (value, properties))| {
        KeyValueMetadata::new(key.clone(), value.clone(), properties.clone())
    }));
    let limited = |limit: usize| {
        let mut headers = HeaderMap::new();
        inject(
            &BaggagePropagator::new().max_bytes(limit),
            &cx,
            &mut headers,
        );
        let line = headers.get("baggage")?;
        Some(line.to_str().unwrap().to_owned())
    };
    let whole = "a=1234;p=%20,b=1234567890,c=1,d=2";
    for (limit, expected) in [
        (usize::MAX, Some(whole)),
        (whole.len(), Some(whole)),
        (whole.len() - 1, Some("a=1234;p=%20,b=1234567890,c=1")),
        (25, Some("a=1234;p=%20,b=1234567890")),
        (24, Some("a=1234;p=%20,c=1,d=2")),
        (12, Some("a=1234;p=%20")),
        (11, Some("c=1,d=2")),
        (3, Some("c=1")),
        (2, None),
        (0, None),
    ] {
        assert_eq!(limited(limit).as_deref(), expected, "{limit}");
    }
}

#[test]
fn a_larger_limit_than_8192_bytes_is_8192() {
    let pairs = [("a", 4096), ("b", 4096), ("c", 4096)];
    let cx =
        Context::new().with_baggage(pairs.map(|(key, n)| KeyValue::new(key, "v".repeat(n - 3))));
    let mut headers = HeaderMap::new();
    inject(
        &BaggagePropagator::new().max_bytes(100_000),
        &cx,
        &mut headers,
    );
    assert!(headers["baggage"].len() <= 8192);
}

#[test]
fn changes_of_the_application_are_sent_and_the_rest_stays_raw() {
    let cx = extracted(&["a=%FF;p,b=2,c=3"]);
    let mut baggage = Baggage::new();
    for (key, (value, properties)) in cx.baggage() {
        match key.as_str() {
            "b" => baggage.insert("b", "two"),
            "c" => None,
            _ => {
                baggage.insert_with_metadata(key.clone(), value.clone(), properties.as_str());
                None
            }
        };
    }
    baggage.insert("d", "4");
    let sent = sent(&cx.with_baggage(baggage));
    assert!(
        sent == "a=%FF;p,b=two,d=4" || sent == "a=%FF;p,d=4,b=two",
        "{sent}"
    );
}

#[test]
fn cleared_baggage_is_not_sent() {
    assert_eq!(sent(&extracted(&["a=1"]).with_cleared_baggage()), "");
    assert_eq!(sent(&Context::new()), "");
}

#[test]
fn limits_are_met_with_whole_members() {
    let members = |n: usize| {
        (0..n)
            .map(|i| format!("k{i}=v"))
            .collect::<Vec<_>>()
            .join(",")
    };
    let fill = |length: usize| format!("k={}", "v".repeat(length - 2));
    let split = format!("{},a={}", fill(4096), "v".repeat(8192 - 4096 - 3));
    let cases: [(&str, &[&str], &str); 8] = [
        ("64 members", &[&members(64)], &members(64)),
        ("65 members", &[&members(65)], &members(64)),
        (
            "64 members over two lines",
            &[&members(63), "x=1"],
            &format!("{},x=1", members(63)),
        ),
        ("8192 bytes in one member", &[&fill(8192)], &fill(8192)),
        ("8193 bytes in one member", &["a=1", &fill(8193)], "a=1"),
        ("8192 bytes in two members", &[&split], &split),
        (
            "8193 bytes in two members",
            &[&fill(4096), &format!("a={}", "v".repeat(8192 - 4096 - 2))],
            &fill(4096),
        ),
        ("64 KiB in one member", &[&fill(64 * 1024), "a=1"], "a=1"),
    ];
    for (name, lines, expected) in cases {
        assert_eq!(sent(&extracted(lines)), expected, "{name}");
    }
}

#[test]
fn own_members_are_sent_up_to_the_limit() {
    let pairs = [("a", 4000), ("b", 4000), ("c", 4000)];
    let cx = Context::new()
        .with_baggage(pairs.map(|(key, length)| KeyValue::new(key, ",".repeat(length / 2))));
    let sent = sent(&cx);
    assert!(sent.len() <= 8192, "{}", sent.len());
    let lengths: Vec<_> = sent.split(',').map(str::len).collect();
    assert_eq!(
        lengths,
        [6002],
        "a whole member of three bytes per comma, and no part of another"
    );
}

#[test]
fn an_encoded_header_of_the_limit_never_grows() {
    let bad = format!("k={}", "%FF".repeat(2730));
    assert_eq!(sent(&extracted(&[&bad])), bad);
}

#[test]
fn baggage_survives_a_new_trace() {
    use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
    let tracer = opentelemetry_sdk::trace::SdkTracerProvider::builder()
        .build()
        .tracer("test");
    let cx = extracted(&["b=%FF,a=1"]);
    let cx = cx.with_span(tracer.start_with_context("root", &cx));
    assert_eq!(sent(&cx), "b=%FF,a=1");
}
