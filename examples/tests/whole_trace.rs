//! One request is one trace across gateway and pricing, and each log line has the ids of its span.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::collections::HashSet;

use opentelemetry::Value;
use opentelemetry::trace::{SpanKind, Status};
use otel_testkit::{LogLine, Span};

use common::{Shop, assert_chain, block_on, get, scope_of_tracing};

#[test]
fn one_request_is_one_trace_and_its_lines_carry_its_ids() {
    let shop = Shop::open(&[]);
    assert_eq!(get(&format!("{}/checkout/breakfast", shop.url)), 200);
    let traces = shop.wait_for_spans(5);
    let [gateway, pricing] = shop.close();

    assert_eq!(traces.len(), 1);
    let [server, business, client, quote, select] = assert_chain(&traces[0]);
    let kinds = [server, business, client, quote, select].map(|span| span.kind().clone());
    assert_eq!(
        kinds,
        [
            SpanKind::Server,
            SpanKind::Internal,
            SpanKind::Client,
            SpanKind::Server,
            SpanKind::Client
        ]
    );
    assert_eq!(business.scope(), scope_of_tracing());
    assert_eq!(
        server.attribute("http.route"),
        Some(&Value::from("/checkout/{cart}"))
    );
    assert_eq!(
        quote.attribute("http.route"),
        Some(&Value::from("/quote/{sku}"))
    );
    assert_eq!(
        select.attribute("db.system.name"),
        Some(&Value::from("sqlite"))
    );
    for span in [server, client, quote] {
        assert_eq!(
            span.attribute("http.response.status_code"),
            Some(&Value::I64(200))
        );
        assert_eq!(span.status(), &Status::Unset);
    }

    assert_written_in(
        &gateway,
        &[("checkout started", server), ("cart priced", business)],
    );
    assert_written_in(&pricing, &[("price looked up", select), ("quoted", quote)]);
}

#[test]
fn a_random_trace_is_random_on_every_span_and_line() {
    for (came, expected) in [("01", "01"), ("03", "03")] {
        let shop = Shop::open(&[]);
        let traceparent = format!("00-12345678901234567890123456789012-1234567890123456-{came}");
        let url = format!("{}/checkout/breakfast", shop.url);
        let status = block_on(async {
            let request = reqwest::Client::new().get(url);
            let request = request.header("traceparent", traceparent);
            request.send().await.unwrap().status()
        });
        assert_eq!(status, 200);
        let traces = shop.wait_for_spans(5);
        let [gateway, pricing] = shop.close();
        for span in traces[0].spans() {
            assert_eq!(format!("{:02x}", span.trace_flags()), expected, "{span:?}");
        }
        let lines = gateway.iter().chain(&pricing);
        let flags: Vec<_> = lines.map(|line| line.trace_flags().unwrap()).collect();
        assert_eq!(flags, [expected; 4], "{came}");
    }
}

#[test]
fn a_quiet_log_leaves_the_trace_whole() {
    for level in ["error", "off"] {
        let shop = Shop::open(&[("RUST_LOG", level)]);
        assert_eq!(get(&format!("{}/checkout/breakfast", shop.url)), 200);
        let traces = shop.wait_for_spans(5);
        let [gateway, pricing] = shop.close();
        assert_eq!(traces.len(), 1, "RUST_LOG={level}");
        assert_chain(&traces[0]);
        assert_eq!((gateway.len(), pricing.len()), (0, 0), "RUST_LOG={level}");
    }
}

#[test]
fn two_hundred_requests_at_once_are_two_hundred_traces() {
    const REQUESTS: usize = 200;
    let shop = Shop::open(&[]);
    let url = format!("{}/checkout/breakfast", shop.url);
    block_on(async {
        let client = reqwest::Client::new();
        let requests: Vec<_> = (0..REQUESTS)
            .map(|_| tokio::spawn(client.get(&url).send()))
            .collect();
        for request in requests {
            assert_eq!(request.await.unwrap().unwrap().status(), 200);
        }
    });
    let traces = shop.wait_for_spans(5 * REQUESTS);
    let [gateway, pricing] = shop.close();

    assert_eq!(traces.len(), REQUESTS);
    let mut places = HashSet::new();
    for trace in &traces {
        let [server, business, _, quote, select] = assert_chain(trace);
        for (message, span) in [
            ("checkout started", server),
            ("cart priced", business),
            ("price looked up", select),
            ("quoted", quote),
        ] {
            places.insert(place(message, span));
        }
    }
    let written: HashSet<_> = gateway.iter().chain(&pricing).map(place_of).collect();
    assert_eq!(gateway.len() + pricing.len(), 4 * REQUESTS);
    assert_eq!(written, places);
}

#[test]
fn an_unknown_article_is_an_error_of_the_clients_alone() {
    let shop = Shop::open(&[]);
    assert_eq!(get(&format!("{}/checkout/ghost", shop.url)), 502);
    let traces = shop.wait_for_spans(5);
    shop.close();
    let [server, business, client, quote, select] = assert_chain(&traces[0]);
    let errors = [server, business, client, quote, select].map(error_type);
    assert_eq!(
        errors,
        [
            Some("502"),
            Some("gateway::PricingError"),
            Some("404"),
            None,
            None
        ]
        .map(|it| it.map(str::to_owned))
    );
}

#[test]
fn a_failed_look_up_is_recorded_with_its_exception() {
    let shop = Shop::open(&[]);
    assert_eq!(get(&format!("{}/checkout/breakfast?fail=1", shop.url)), 502);
    let traces = shop.wait_for_spans(5);
    shop.close();
    let trace = &traces[0];
    let select = trace.span("SELECT archived_prices").unwrap();
    assert_eq!(error_type(select).as_deref(), Some("pricing::PriceError"));
    assert_eq!(
        select.status(),
        &Status::error("the price list cannot be read")
    );
    let exception = &select.events()[0];
    assert_eq!(exception.name, "exception");
    let stack = exception
        .attributes
        .iter()
        .find(|it| it.key.as_str() == "exception.stacktrace")
        .unwrap();
    assert!(stack.value.as_str().contains("no such table"), "{stack:?}");
    let quote = trace.span("GET /quote/{sku}").unwrap();
    assert_eq!(error_type(quote).as_deref(), Some("500"));
    trace.assert_child_of("SELECT archived_prices", "GET /quote/{sku}");
}

/// `error.type` of a span, which must be marked as an error if, and only if, it has one.
#[track_caller]
fn error_type(span: &Span) -> Option<String> {
    let value = span
        .attribute("error.type")
        .map(|value| value.as_str().into_owned());
    assert_eq!(span.is_error(), value.is_some(), "{span:?}");
    value
}

/// Asserts that these lines, in this order, were written in these spans, and no other line.
#[track_caller]
fn assert_written_in(lines: &[LogLine], expected: &[(&str, &Span)]) {
    let written: Vec<_> = lines.iter().map(place_of).collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(message, span)| place(message, span))
        .collect();
    assert_eq!(written, expected);
}

type Place = (String, Option<String>, Option<String>);

fn place(message: &str, span: &Span) -> Place {
    (
        message.to_owned(),
        Some(span.trace_id().to_string()),
        Some(span.span_id().to_string()),
    )
}

fn place_of(line: &LogLine) -> Place {
    (
        line.message().to_owned(),
        line.trace_id().map(str::to_owned),
        line.span_id().map(str::to_owned),
    )
}
