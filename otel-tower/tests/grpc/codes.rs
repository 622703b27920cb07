//! Each status code once, on both sides.

use opentelemetry::KeyValue;
use tonic::{Code, Request};

use crate::harness::{Shop, assert_ended};

/// The number, the name, and whether it is the server's own failure.
const CODES: [(i32, &str, bool); 17] = [
    (0, "OK", false),
    (1, "CANCELLED", false),
    (2, "UNKNOWN", true),
    (3, "INVALID_ARGUMENT", false),
    (4, "DEADLINE_EXCEEDED", true),
    (5, "NOT_FOUND", false),
    (6, "ALREADY_EXISTS", false),
    (7, "PERMISSION_DENIED", false),
    (8, "RESOURCE_EXHAUSTED", false),
    (9, "FAILED_PRECONDITION", false),
    (10, "ABORTED", false),
    (11, "OUT_OF_RANGE", false),
    (12, "UNIMPLEMENTED", true),
    (13, "INTERNAL", true),
    (14, "UNAVAILABLE", true),
    (15, "DATA_LOSS", true),
    (16, "UNAUTHENTICATED", false),
];

#[test]
fn each_code_is_the_status_of_both_spans_and_an_error_where_it_counts_as_one() {
    for (number, name, is_servers) in CODES {
        let shop = Shop::open_with(|layer| layer.grpc_methods(["shop.Pricing/Fail"]));
        let code = shop.in_work(async {
            let request = Request::new(number.to_string());
            let answer = shop.client().unary("/shop.Pricing/Fail", request).await;
            answer.map_or_else(|status| status.code(), |_| Code::Ok)
        });
        assert_eq!(code, Code::from_i32(number));
        let [client, server] = shop.call();
        assert_eq!(
            (client.name(), server.name()),
            ("shop.Pricing/Fail", "shop.Pricing/Fail")
        );
        assert_ended(&client, Some(name), (number != 0).then_some(name));
        assert_ended(&server, Some(name), is_servers.then_some(name));
    }
}

#[test]
fn a_call_has_the_attributes_of_the_conventions_and_no_others() {
    let shop = Shop::open();
    let quote = shop.in_work(async {
        let request = Request::new("espresso".to_owned());
        shop.client().unary("/shop.Pricing/Quote", request).await
    });
    assert_eq!(quote.unwrap().into_inner(), "espresso costs 3");
    let trace = shop.trace(4);
    let [client] = trace.children(trace.span("work").unwrap())[..] else {
        panic!("{trace}")
    };
    let [server] = trace.children(client)[..] else {
        panic!("{trace}")
    };
    trace.assert_child_of("look up", "shop.Pricing/Quote");
    let sorted = |span: &otel_testkit::Span| {
        let mut attributes = span.attributes().to_vec();
        attributes.sort_by(|a, b| a.key.as_str().cmp(b.key.as_str()));
        attributes
    };
    let port = i64::from(shop.address.port());
    let common = [
        KeyValue::new("rpc.method", "shop.Pricing/Quote"),
        KeyValue::new("rpc.status_code", "OK"),
        KeyValue::new("rpc.system.name", "grpc"),
        KeyValue::new("server.address", "127.0.0.1"),
        KeyValue::new("server.port", port),
    ];
    assert_eq!(sorted(client), common);
    let mut of_server = sorted(server);
    let peer_port = of_server
        .extract_if(.., |attribute| {
            attribute.key.as_str() == "network.peer.port"
        })
        .count();
    assert_eq!(peer_port, 1, "{server:?}");
    let mut expected = vec![KeyValue::new("network.peer.address", "127.0.0.1")];
    expected.extend(common);
    assert_eq!(of_server, expected);
}
