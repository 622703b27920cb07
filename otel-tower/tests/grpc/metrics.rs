//! What calls are measured as.

use std::collections::BTreeMap;

use tonic::Request;

use crate::harness::Shop;
use crate::meters::Point;

fn attributes(point: &Point) -> BTreeMap<&str, String> {
    let pairs = point.attributes.iter();
    pairs
        .map(|(key, value)| (key.as_str(), value.to_string()))
        .collect()
}

#[test]
fn a_call_is_measured_by_method_and_status_on_both_sides() {
    let known = ["shop.Pricing/Quote", "shop.Pricing/Fail"];
    let shop = Shop::open_with(move |layer| layer.grpc_methods(known));
    shop.in_work(async {
        let mut client = shop.client();
        for (method, text) in [
            ("/shop.Pricing/Quote", "espresso"),
            ("/shop.Pricing/Fail", "13"),
            ("/shop.Pricing/Steal", ""),
        ] {
            let _ = client.unary(method, Request::new(text.to_owned())).await;
        }
    });
    let port = shop.address.port().to_string();
    for (side, direction) in [("server", "incoming"), ("client", "outgoing")] {
        // model/rpc/metrics.yaml of the conventions
        let text = format!("Measures the duration of an {direction} Remote Procedure Call (RPC).");
        shop.meters
            .wait_for(&format!("rpc.{side}.call.duration"), 3);
        let found = shop.meters.descriptions();
        assert_eq!(
            found[&format!("rpc.{side}.call.duration")],
            ("s".to_owned(), text)
        );
    }
    for (side, has_server) in [("server", false), ("client", true)] {
        let points = shop
            .meters
            .wait_for(&format!("rpc.{side}.call.duration"), 3);
        assert_eq!(points.len(), 3, "{points:?}");
        for (method, code, error) in [
            ("shop.Pricing/Quote", "OK", None),
            ("shop.Pricing/Fail", "INTERNAL", Some("INTERNAL")),
            ("shop.Pricing/Steal", "UNIMPLEMENTED", Some("UNIMPLEMENTED")),
        ] {
            // What a stranger asks for is no time series of its own.
            let is_other = !has_server && code == "UNIMPLEMENTED";
            let method = if is_other { "_OTHER" } else { method };
            let mut expected = BTreeMap::from([
                ("rpc.system.name", "grpc".to_owned()),
                ("rpc.method", method.to_owned()),
                ("rpc.status_code", code.to_owned()),
            ]);
            expected.extend(error.map(|error| ("error.type", error.to_owned())));
            if has_server {
                expected.insert("server.address", "127.0.0.1".to_owned());
                expected.insert("server.port", port.clone());
            }
            let found = points.iter().find(|point| attributes(point) == expected);
            let found = found.unwrap_or_else(|| panic!("{expected:?} in {points:?}"));
            assert_eq!(found.bounds[..2], [0.005, 0.01]);
        }
        assert!(
            shop.meters
                .points(&format!("http.{side}.request.duration"))
                .is_empty()
        );
    }
}
