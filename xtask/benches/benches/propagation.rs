//! The propagators of otel-core against those of opentelemetry_sdk and opentelemetry-propagator-b3, each with the header
//! carriers that belong to it.

use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_propagator_b3::{B3Encoding, Propagator as StockB3};
use opentelemetry_sdk::propagation as stock;
use otel_benches::{Case, Contender};
use otel_core::propagation as ours;

type Propagator = Rc<dyn TextMapPropagator>;
type Headers = &'static [(&'static str, &'static str)];

fn main() {
    let w3c = || {
        let ours: Propagator = Rc::new(ours::TraceContextPropagator::new());
        let stock: Propagator = Rc::new(stock::TraceContextPropagator::new());
        (ours, stock)
    };
    let default = || {
        let ours: Propagator = Rc::new(ours::CompositePropagator::default());
        let stock: Propagator = Rc::new(TextMapCompositePropagator::new(vec![
            Box::new(stock::TraceContextPropagator::new()),
            Box::new(stock::BaggagePropagator::new()),
        ]));
        (ours, stock)
    };
    let b3 = || {
        let ours: Propagator = Rc::new(ours::B3Propagator::single());
        let stock: Propagator = Rc::new(StockB3::with_encoding(B3Encoding::SingleHeader));
        (ours, stock)
    };
    let b3_multi = || {
        let ours: Propagator = Rc::new(ours::B3Propagator::multi());
        let stock: Propagator = Rc::new(StockB3::with_encoding(B3Encoding::MultipleHeader));
        (ours, stock)
    };

    otel_benches::main(vec![
        extract("traceparent", w3c(), &[TRACEPARENT]),
        extract("traceparent, tracestate", w3c(), &[TRACEPARENT, TRACESTATE]),
        extract("traceparent, baggage", default(), &[TRACEPARENT, BAGGAGE]),
        extract("b3", b3(), &[B3]),
        extract("x-b3-*", b3_multi(), &X_B3),
        extract("nothing there, W3C", w3c(), &[]),
        extract("nothing there, W3C and baggage", default(), &[]),
        extract("nothing there, B3", b3(), &[]),
        inject("traceparent", w3c(), &[TRACEPARENT]),
        inject("traceparent, tracestate", w3c(), &[TRACEPARENT, TRACESTATE]),
        inject("traceparent, baggage", default(), &[TRACEPARENT, BAGGAGE]),
        inject("b3", b3(), &[B3]),
        inject("x-b3-*", b3_multi(), &X_B3),
        inject("no span, W3C and baggage", default(), &[]),
    ]);
}

/// Reads a request that has these headers among others.
fn extract(name: &str, (ours, stock): (Propagator, Propagator), sent: Headers) -> Case {
    let headers = move || {
        let mut headers = request();
        for (name, value) in sent {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        (Context::new(), headers)
    };
    check(name, headers().1.len() - request().len(), sent.len());
    Case::new(
        &format!("extract: {name}"),
        Contender::new("ours", headers, move |(parent, headers)| {
            ours::extract(ours.as_ref(), parent, headers)
        }),
        [Contender::new(
            "stock",
            headers,
            move |(parent, headers)| stock.extract_with_context(parent, &HeaderExtractor(headers)),
        )],
    )
}

/// Writes what came with these headers into another request, which has room for it.
fn inject(name: &str, (ours, stock): (Propagator, Propagator), came: Headers) -> Case {
    let context = |propagator: &Propagator| {
        let mut headers = HeaderMap::new();
        for (name, value) in came {
            headers.insert(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let cx = ours::extract(propagator.as_ref(), &Context::new(), &headers);
        check(
            name,
            usize::from(cx.span().span_context().is_valid()),
            usize::from(!came.is_empty()),
        );
        cx
    };
    let (for_ours, for_stock) = (context(&ours), context(&stock));
    Case::new(
        &format!("inject: {name}"),
        Contender::new("ours", request, move |headers| {
            ours::inject(ours.as_ref(), &for_ours, headers);
        }),
        [Contender::new("stock", request, move |headers| {
            stock.inject_context(&for_stock, &mut HeaderInjector(headers));
        })],
    )
}

/// What most requests have.
fn request() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    headers.insert("host", HeaderValue::from_static("example.com"));
    headers.insert("user-agent", HeaderValue::from_static("bench/1.0"));
    headers.insert("accept", HeaderValue::from_static("*/*"));
    headers
}

/// A case that measures something else than its name says is worse than none.
fn check(name: &str, is: usize, should_be: usize) {
    assert_eq!(is, should_be, "{name}");
}

const TRACEPARENT: (&str, &str) = (
    "traceparent",
    "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
);
const TRACESTATE: (&str, &str) = ("tracestate", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7");
const BAGGAGE: (&str, &str) = (
    "baggage",
    "userId=alice,serverNode=DF%2028,isProduction=false",
);
const B3: (&str, &str) = ("b3", "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1");
const X_B3: [(&str, &str); 3] = [
    ("x-b3-traceid", "80f198ee56343ba864fe8b2a57d3eff7"),
    ("x-b3-spanid", "e457b5a2e4d86bd1"),
    ("x-b3-sampled", "1"),
];
