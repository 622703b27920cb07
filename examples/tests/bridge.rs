//! With the bridge setting a service reads whatever its caller speaks, and every callee understands it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use opentelemetry::trace::{SpanId, TraceId};

use common::{Shop, assert_chain, assert_chain_under, block_on, get};

const BRIDGE: [(&str, &str); 1] = [("OTEL_PROPAGATORS", "tracecontext,b3,baggage")];
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// A format with its name in `OTEL_PROPAGATORS`.
#[derive(Debug, Clone, Copy)]
enum Format {
    W3c,
    B3Single,
    B3Multi,
}

impl Format {
    const ALL: [Self; 3] = [Self::W3c, Self::B3Single, Self::B3Multi];

    fn alone(self) -> [(&'static str, &'static str); 1] {
        let name = match self {
            Self::W3c => "tracecontext",
            Self::B3Single => "b3",
            Self::B3Multi => "b3multi",
        };
        [("OTEL_PROPAGATORS", name)]
    }

    fn headers(self) -> Vec<(&'static str, String)> {
        match self {
            Self::W3c => vec![("traceparent", format!("00-{TRACE}-{SPAN}-01"))],
            Self::B3Single => vec![("b3", format!("{TRACE}-{SPAN}-1"))],
            Self::B3Multi => vec![
                ("x-b3-traceid", TRACE.to_owned()),
                ("x-b3-spanid", SPAN.to_owned()),
                ("x-b3-sampled", "1".to_owned()),
            ],
        }
    }
}

#[test]
fn a_bridging_gateway_joins_each_caller_with_each_callee() {
    for caller in Format::ALL {
        for callee in Format::ALL {
            let shop = Shop::open_with(&BRIDGE, &callee.alone());
            let url = format!("{}/checkout/breakfast", shop.url);
            let status = block_on(async {
                let mut request = reqwest::Client::new().get(url);
                for (name, value) in caller.headers() {
                    request = request.header(name, value);
                }
                request.send().await.unwrap().status()
            });
            assert_eq!(status, 200);
            let traces = shop.wait_for_spans(5);
            assert_eq!(traces.len(), 1, "{caller:?} to {callee:?}");
            assert_eq!(traces[0].id(), TraceId::from_hex(TRACE).unwrap());
            assert_chain_under(&traces[0], Some(SpanId::from_hex(SPAN).unwrap()));
        }
    }
}

#[test]
fn a_bridging_callee_understands_each_gateway() {
    for gateway in Format::ALL {
        let shop = Shop::open_with(&gateway.alone(), &BRIDGE);
        assert_eq!(get(&format!("{}/checkout/breakfast", shop.url)), 200);
        let traces = shop.wait_for_spans(5);
        assert_eq!(traces.len(), 1, "{gateway:?}");
        assert_chain(&traces[0]);
    }
}

#[test]
fn without_the_bridge_different_formats_break_the_trace() {
    for (gateway, pricing) in [
        (Format::B3Single, Format::W3c),
        (Format::W3c, Format::B3Multi),
    ] {
        let shop = Shop::open_with(&gateway.alone(), &pricing.alone());
        assert_eq!(get(&format!("{}/checkout/breakfast", shop.url)), 200);
        assert_eq!(
            shop.wait_for_spans(5).len(),
            2,
            "{gateway:?} to {pricing:?}"
        );
    }
}
