//! `baggage`: any number of lines.

use http::HeaderMap;
use opentelemetry::{
    Context,
    baggage::{Baggage, BaggageExt as _, KeyValueMetadata},
};
use otel_core::propagation::{BaggagePropagator, extract, inject};

use crate::headers::{lines_of, text};

pub fn check(data: &[u8]) {
    let headers = lines_of("baggage", data);
    let (cx, sent) = pass_on(&headers);
    let received = cx.baggage();
    assert!(received.len() <= 64);
    for (key, _) in received {
        assert!(is_token(key.as_str()), "{key:?}");
    }

    let (next, sent_by_next) = pass_on(&sent);
    assert!(
        same(received, next.baggage(), true),
        "the next service sees the same"
    );
    assert_eq!(sent, sent_by_next, "what nobody changed stays byte by byte");

    // The same members, set by an application: now they are encoded here.
    let copy = received
        .iter()
        .map(|(key, (value, _))| (key.clone(), value.clone()));
    let own = Context::new()
        .with_baggage(copy.map(|(key, value)| opentelemetry::KeyValue::new(key, value)));
    let mut encoded = HeaderMap::new();
    inject(&BaggagePropagator::new(), &own, &mut encoded);
    check_sent(&encoded);
    let (next, _) = pass_on(&encoded);
    // Encoding makes a list at most three times as long, so below this none is dropped.
    if data.len() < 8192 / 3 / 3 {
        assert!(
            same(own.baggage(), next.baggage(), false),
            "values survive encoding"
        );
    }
    check_own_properties(&String::from_utf8_lossy(data));
    check_limit(
        &cx,
        &sent,
        usize::from(data.first().copied().unwrap_or_default()),
    );
}

/// Sends less, and checks that only whole members are left out.
fn check_limit(cx: &Context, sent: &HeaderMap, limit: usize) {
    let propagator = BaggagePropagator::new().max_bytes(limit);
    let mut less = HeaderMap::new();
    inject(&propagator, cx, &mut less);
    if less.is_empty() {
        return;
    }
    let [all, less] = [sent, &less].map(|it| text(it, "baggage").unwrap_or_default());
    assert!(less.len() <= limit);
    let mut rest = all.split(',');
    assert!(
        less.split(',').all(|member| rest.any(|it| it == member)),
        "{less} of {all}"
    );
}

/// Sends properties that an application has set, and checks that they are valid and add no member.
fn check_own_properties(properties: &str) {
    let member = KeyValueMetadata::new("k", "v", properties.to_owned());
    let own = Context::new().with_baggage([member]);
    let mut sent = HeaderMap::new();
    inject(&BaggagePropagator::new(), &own, &mut sent);
    check_sent(&sent);
    if sent.len() == 1 {
        let list = text(&sent, "baggage").expect("a sent list is visible ASCII");
        assert!(
            !list.contains(',') && BaggagePropagator::check(list).is_ok(),
            "{list}"
        );
        assert!(!list.contains([' ', '\t']), "{list}");
    }
}

/// Extracts, and injects what was extracted.
fn pass_on(headers: &HeaderMap) -> (Context, HeaderMap) {
    let propagator = BaggagePropagator::new();
    let cx = extract(&propagator, &Context::new(), headers);
    let mut sent = HeaderMap::new();
    inject(&propagator, &cx, &mut sent);
    check_sent(&sent);
    assert_eq!(cx.baggage().is_empty(), sent.is_empty());
    (cx, sent)
}

fn check_sent(sent: &HeaderMap) {
    assert!(sent.len() <= 1);
    if sent.len() == 1 {
        let list = text(sent, "baggage").expect("a sent list is visible ASCII");
        assert!(!list.is_empty() && list.len() <= 8192);
        assert!(list.split(',').count() <= 64);
    }
}

fn same(left: &Baggage, right: &Baggage, with_properties: bool) -> bool {
    left.len() == right.len()
        && left.iter().all(|(key, (value, properties))| {
            right
                .get_with_metadata(key.as_str())
                .is_some_and(|(other, others)| {
                    value == other && (!with_properties || properties == others)
                })
        })
}

/// RFC 9110, 5.6.2.
fn is_token(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !key.is_empty() && key.bytes().all(allowed)
}
