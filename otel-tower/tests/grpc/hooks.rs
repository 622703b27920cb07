//! What hooks see and change of a call.

use std::sync::{Arc, Mutex};

use opentelemetry::Value;
use otel_tower::{End, RequestSpan};
use tonic::Request;

use crate::harness::{Shop, assert_ended};

const FAIL: &str = "/shop.Pricing/Fail";

fn code(code: tonic::Code) -> Request<String> {
    Request::new((code as i32).to_string())
}

#[test]
fn an_end_hook_sees_the_status_of_a_call_and_has_the_last_word() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&seen);
    let shop = Shop::open_with(move |layer| {
        layer.grpc().body_sizes().on_end(move |_, outcome, span| {
            let error = outcome.error_type().map(str::to_owned);
            let (end, status) = (outcome.end(), outcome.status().map(|it| it.as_u16()));
            sink.lock()
                .unwrap()
                .push((end, status, outcome.grpc_status(), error));
            assert_eq!(outcome.response_body_size(), None);
            RequestSpan::current().set_attribute("rpc.status_code", "MINE");
            span.clear_error();
        })
    });
    let failed = shop.in_work(async {
        let mut client = shop.client();
        client.unary(FAIL, code(tonic::Code::Internal)).await
    });
    assert!(failed.is_err());
    let [client, server] = shop.call();
    assert_ended(&client, Some("INTERNAL"), Some("INTERNAL"));
    assert_ended(&server, Some("MINE"), None);
    let internal = Some("INTERNAL");
    let expected = (
        End::Complete,
        Some(200),
        internal,
        internal.map(str::to_owned),
    );
    assert_eq!(*seen.lock().unwrap(), [expected]);
    let points = shop.meters.points("rpc.server.call.duration");
    let of = |key: &str| points[0].attributes.get(key).cloned();
    assert_eq!(of("rpc.status_code"), Some(Value::from("INTERNAL")));
    assert_eq!(of("error.type"), None);
}

/// The code of a cancelled call is not one of a failure of the server.
#[test]
fn a_cancelled_call_is_no_error_whatever_the_option_says() {
    for is_error in [true, false] {
        let shop = Shop::open_with(move |layer| {
            let layer = layer.grpc_methods(["shop.Pricing/Hang"]);
            layer.cancelled_is_error(is_error)
        });
        shop.in_work(async {
            let mut client = shop.client();
            tokio::select! {
                _ = client.unary("/shop.Pricing/Hang", Request::new(String::new())) => panic!("it never answers"),
                () = shop.pricing.begun.notified() => {}
            }
            shop.ended(2).await;
        });
        let [_, server] = shop.call();
        assert_ended(&server, Some("CANCELLED"), None);
    }
}
