//! Compression over HTTP.
#![cfg(feature = "gzip")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::io::Read as _;

use flate2::read::GzDecoder;

use self::support::environment::with_only;
use self::support::{Endpoint, Mood};

#[test]
fn spans_arrive_gzipped() {
    let endpoint = Endpoint::start(Mood::Fine);
    let variables = [("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")];
    let telemetry = with_only(&variables, || {
        let builder = otel_setup::builder().service_name("checkout");
        builder.otlp_endpoint(endpoint.url()).init().unwrap()
    });
    tracing::info_span!("work").in_scope(|| ());
    telemetry.shutdown();
    let mut request = endpoint.requests().remove(0);
    assert_eq!(request.headers["content-encoding"], "gzip");
    let mut plain = Vec::new();
    GzDecoder::new(request.body.as_slice())
        .read_to_end(&mut plain)
        .unwrap();
    request.body = plain;
    assert_eq!(request.span_names(), ["work"]);
}
