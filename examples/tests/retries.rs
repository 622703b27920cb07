//! The gateway asks again while pricing is unavailable, and each attempt is a span.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use opentelemetry::Value;

use common::{Shop, get};

#[test]
fn attempts_stand_side_by_side_and_each_has_pricings_span_below_it() {
    let shop = Shop::open(&[]);
    assert_eq!(
        get(&format!("{}/checkout/breakfast?flaky=1", shop.url)),
        200
    );
    let traces = shop.wait_for_spans(9);
    shop.close();
    assert_eq!(traces.len(), 1);
    let trace = &traces[0];
    let mut attempts = trace.children(trace.span("price cart").unwrap());
    attempts.sort_by_key(|span| span.start());
    let seen: Vec<_> = attempts
        .iter()
        .map(|span| {
            let below = trace.children(span);
            assert_eq!(below.len(), 1, "{trace}");
            assert_eq!(below[0].service(), Some("pricing"), "{trace}");
            let attribute = |key| span.attribute(key).cloned();
            (
                attribute("http.response.status_code"),
                attribute("http.request.resend_count"),
            )
        })
        .collect();
    let number = |number| Some(Value::I64(number));
    assert_eq!(
        seen,
        [
            (number(503), None),
            (number(503), number(1)),
            (number(200), number(2)),
        ]
    );
}

#[test]
fn an_answer_that_would_be_the_same_again_is_not_asked_for_again() {
    for (path, status) in [("breakfast?fail=1", 502), ("ghost", 502)] {
        let shop = Shop::open(&[]);
        assert_eq!(get(&format!("{}/checkout/{path}", shop.url)), status);
        let traces = shop.wait_for_spans(5);
        let [gateway, _] = shop.close();
        let trace = &traces[0];
        assert_eq!(trace.spans().len(), 5, "{trace}");
        let error = gateway.iter().find(|line| line.level() == "ERROR").unwrap();
        let business = trace.span("price cart").unwrap().span_id().to_string();
        assert_eq!(error.span_id(), Some(business.as_str()), "{error}");
    }
}
