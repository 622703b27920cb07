//! A proxy without axum is a part of the trace, and an upstream that is not there is seen.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use opentelemetry::trace::SpanKind;
use otel_testkit::Collector;

use common::{LIMIT, get, pricing, program, start};

#[test]
fn what_goes_through_the_proxy_is_one_trace() {
    let collector = Collector::start().unwrap();
    let endpoint = collector.http_endpoint();
    let exporting = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
    let (mut pricing, upstream) = start("pricing", pricing().envs([exporting]));
    let mut proxy = program(env!("CARGO_BIN_EXE_proxy"));
    proxy.envs([exporting]).env("UPSTREAM_URL", upstream);
    let (_proxy, url) = start("proxy", &mut proxy);

    assert_eq!(get(&format!("{url}/quote/espresso?note=hunter2")), 200);
    let traces = collector.wait_for(
        |traces| traces[..].iter().any(|it| it.spans().len() == 4),
        LIMIT,
    );
    let trace = traces.unwrap().remove(0);
    trace.assert_no_orphans();
    let root = trace.roots()[0];
    assert_eq!(root.name(), "GET /quote/{sku}");
    let [client] = trace.children(root)[..] else {
        panic!("{trace}")
    };
    assert_eq!(
        (client.kind(), client.service()),
        (&SpanKind::Client, Some("proxy"))
    );
    let [server] = trace.children(client)[..] else {
        panic!("{trace}")
    };
    assert_eq!(server.service(), Some("pricing"));

    assert!(pricing.terminate(LIMIT).unwrap().success());
    assert_eq!(get(&format!("{url}/quote/espresso")), 502);
    let refused = collector
        .wait_for(|traces| traces.len() == 2, LIMIT)
        .unwrap();
    let client = refused[1]
        .spans()
        .iter()
        .find(|span| span.kind() == &SpanKind::Client);
    let error = client.unwrap().attribute("error.type").unwrap();
    assert!(
        [&"connect".into(), &"request".into()].contains(&error),
        "{error}"
    );
}
