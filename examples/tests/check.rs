//! What a check says of the demo's services, whole and broken.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use common::{Shop, pricing, start};
use otel_testkit::{Check, CheckReport, Collector, Severity};

/// Asks the gateway, and pricing behind it.
fn check(for_gateway: &[(&str, &str)], for_pricing: &[(&str, &str)]) -> CheckReport {
    let shop = Shop::open_with(for_gateway, for_pricing);
    let mut check = Check::new();
    check
        .send(&format!("{}/checkout/breakfast", shop.url))
        .unwrap();
    check
        .send(&format!("{}/quote/espresso", shop.pricing_url))
        .unwrap();
    let collector = shop.collector;
    let mut logs = Vec::new();
    for mut process in [shop.gateway, shop.pricing] {
        // Ending flushes, so everything has come.
        assert!(process.terminate(common::LIMIT).unwrap().success());
        logs.extend(process.logs());
    }
    check.report(&collector.traces(), &logs)
}

/// The outcomes of one URL, in the order in which it is asked.
fn outcomes(report: &CheckReport, service: usize) -> Vec<String> {
    let json = report.to_json();
    let requests = json["services"][service]["requests"].as_array().unwrap();
    requests
        .iter()
        .map(|it| it["outcome"].as_str().unwrap().to_owned())
        .collect()
}

fn problems(report: &CheckReport) -> Vec<&str> {
    let problems = report.findings().iter();
    problems
        .filter(|it| it.severity() == Severity::Problem)
        .map(|it| it.text())
        .collect()
}

#[test]
fn the_whole_shop_passes() {
    let report = check(&[], &[]);
    report.assert_ok();
    assert_eq!(report.findings(), [], "{report}");
    let expected = [
        "continued",
        "not recorded",
        "restarted",
        "restarted",
        "restarted",
        "restarted",
        "restarted",
        "restarted",
        "restarted",
    ];
    for service in [0, 1] {
        assert_eq!(outcomes(&report, service), expected, "{report}");
    }
    let json = report.to_json();
    assert_eq!(json["services"][0]["reads"][0], "tracecontext");
    let path = &json["services"][0]["requests"][0]["services"];
    assert_eq!(*path, serde_json::json!(["gateway", "pricing"]));
}

#[test]
fn the_break_is_named_with_what_each_side_speaks() {
    let report = check(
        &[("OTEL_PROPAGATORS", "b3")],
        &[("OTEL_PROPAGATORS", "tracecontext")],
    );
    assert!(!report.is_ok());
    let problems = problems(&report);
    assert_eq!(problems.len(), 1, "{report}");
    // Pricing does not see the gateway's decision, and its trace is not taken for the gateway's.
    assert_eq!(outcomes(&report, 0)[4], "not recorded", "{report}");
    assert!(
        problems[0].contains("the trace splits between gateway and pricing"),
        "{report}"
    );
    assert!(
        problems[0].ends_with("gateway sends b3, pricing reads tracecontext only"),
        "{report}"
    );
}

#[test]
fn a_service_that_reads_nothing_is_named() {
    let none = [("OTEL_PROPAGATORS", "none")];
    let report = check(&none, &none);
    let problems = problems(&report);
    let unread = problems
        .iter()
        .filter(|it| it.contains("continues no trace"));
    assert_eq!(unread.count(), 2, "{report}");
    assert!(
        problems.iter().any(|it| it.contains("the trace splits")),
        "{report}"
    );
}

#[test]
fn a_service_that_exports_nothing_is_lost() {
    let report = check(&[], &[("OTEL_TRACES_EXPORTER", "none")]);
    let problems = problems(&report);
    assert!(
        problems
            .iter()
            .any(|it| it.contains("no span was received")),
        "{report}"
    );
}

#[test]
fn a_service_that_records_whatever_the_caller_says_is_warned_of() {
    let collector = Collector::start().unwrap();
    let mut command = pricing();
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint())
        .env("OTEL_TRACES_SAMPLER", "always_on");
    let (mut process, url) = start("pricing", &mut command);
    let mut check = Check::new();
    check.send(&format!("{url}/quote/espresso")).unwrap();
    assert!(process.terminate(common::LIMIT).unwrap().success());
    let report = check.report(&collector.traces(), &[]);
    report.assert_ok();
    let warnings: Vec<&str> = report.findings().iter().map(|it| it.kind()).collect();
    assert_eq!(warnings, ["not-sampled"], "{report}");
}
