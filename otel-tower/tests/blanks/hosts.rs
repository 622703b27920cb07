//! A client whose requests do not say where they go, as those over a tonic channel.

use std::convert::Infallible;

use futures_util::FutureExt as _;
use http::{Request, Response, Uri, Version};
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_tower::ClientLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

use crate::captured::Lines;
use crate::harness::{assert_warned_once, fmt_layer, in_own_process, warnings};

/// Sends a request as tonic does, and one of HTTP, each twice.
fn send(layer: &ClientLayer, origin: &str) {
    for path in ["/shop.Pricing/Quote", "/quote/espresso"] {
        for _ in 0..2 {
            let answer = |_| async { Ok::<_, Infallible>(Response::new(String::new())) };
            let request = Request::post(format!("{origin}{path}"))
                .version(Version::HTTP_2)
                .header("host", "untrusted")
                .header("content-type", "application/grpc");
            let request: Request<String> = request.body(String::new()).unwrap();
            let sent = layer.layer(service_fn(answer)).oneshot(request);
            sent.now_or_never().unwrap().unwrap();
        }
    }
}

#[test]
fn a_client_that_does_not_know_its_server_says_so_once_and_names_the_option() {
    let name = "hosts::a_client_that_does_not_know_its_server_says_so_once_and_names_the_option";
    in_own_process(name, || {
        let lines = Lines::default();
        registry().with(fmt_layer(&lines)).init();
        // Without telemetry nothing is missing.
        send(&ClientLayer::new().grpc(), "");
        let provider = SdkTracerProvider::builder().build();
        let layer = ClientLayer::new().tracer_provider(&provider);
        send(&layer.clone().grpc(), "http://shop");
        let origin = Uri::from_static("http://shop:50051");
        send(&layer.clone().grpc().origin(origin), "");
        assert_eq!(warnings(&lines, ""), [""; 0]);
        send(&layer.clone().grpc(), "");
        send(&layer, "");
        let texts = [
            "`server.address`",
            "`ClientLayer::origin`",
            "docs/grpc-and-tower-clients.md#a-grpc-client",
        ];
        assert_warned_once(&lines, &texts);
    });
}
