//! The lossy service says what it loses, and where.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{LIMIT, get, lossy, start};

#[test]
fn each_loss_is_reported_with_its_place() {
    let (mut process, url) = start("lossy", lossy().env("OTEL_TRACES_EXPORTER", "none"));
    for path in ["/quote", "/spawn", "/inside", "/after"] {
        assert_eq!(get(&format!("{url}{path}")), 200, "{path}");
    }
    assert!(process.terminate(LIMIT).unwrap().success());
    let logs = process.logs();
    let reports: Vec<_> = logs
        .iter()
        .filter(|line| line.target() == "otel_core::context_loss")
        .map(|line| {
            let fields = ["kind", "span_name", "instrumentation"];
            fields.map(|name| line.field(name).and_then(|it| it.as_str()).unwrap())
        })
        .collect();
    assert_eq!(
        reports,
        [
            ["call_without_parent", "GET", "otel_reqwest"],
            ["request_inside_request", "GET /quote", "otel_tower"],
            ["context_after_request", "GET /after", "otel_tower"],
        ]
    );
}
