//! The leaking service is caught in each form, the shop is not.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::collections::BTreeSet;

use common::{LIMIT, Shop, leaky, start};
use otel_testkit::{Audit, AuditReport, Collector, Form};

/// Audits the leaking service with these leaks switched on.
fn audit(leaks: &str, audit: &Audit) -> AuditReport {
    let collector = Collector::start().unwrap();
    let mut command = leaky();
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint())
        .env("LEAKS", leaks);
    let (mut process, url) = start("leaky", &mut command);
    audit.send(&url).unwrap();
    assert!(process.terminate(LIMIT).unwrap().success(), "flushes");
    assert_eq!(collector.spans().len(), 3, "one for each request");
    audit.report(&collector.traces(), &process.logs())
}

#[test]
fn each_leak_is_caught_in_the_form_in_which_it_came_out() {
    let cases = [
        (
            "plain",
            "x-api-key",
            "http.request.header.x-api-key",
            Form::Plain,
        ),
        (
            "percent-encoded",
            "query-token",
            "url.query.raw",
            Form::PercentEncoded,
        ),
        ("base64", "user-info", "enduser.credentials", Form::Base64),
        ("lower-cased", "cookie", "session.key", Form::LowerCased),
        ("cut", "x-auth-token", "log.message", Form::Cut),
        ("body", "body", "log.body", Form::Plain),
    ];
    for (leak, source, field, form) in cases {
        let report = audit(leak, &Audit::new());
        assert!(!report.is_safe(), "{leak}");
        let found = report.exposures().iter().any(|it| {
            it.source() == source && it.leak().field() == field && it.leak().form() == form
        });
        assert!(found, "{leak}: {report}");
        let fields: BTreeSet<_> = report
            .exposures()
            .iter()
            .map(|it| it.leak().field())
            .collect();
        assert_eq!(fields.len(), 1, "{leak}: {report}");
    }
}

#[test]
fn without_its_leaks_the_same_service_is_safe() {
    let report = audit("none", &Audit::new());
    report.assert_safe();
    assert!(report.exposures().is_empty(), "{report}");
}

#[test]
fn what_is_allowed_is_listed_and_passes() {
    let allowing = |field: &str| audit("plain", &Audit::new().allow(field));
    for field in ["http.request.header.x-api-key", "x-api-key:http.request.*"] {
        let report = allowing(field);
        report.assert_safe();
        assert_eq!(report.exposures().len(), 1, "{report}");
        assert!(report.to_string().contains("allowed"), "{report}");
    }
    assert!(!allowing("cookie:http.request.*").is_safe());
}

#[test]
fn the_shop_is_safe_in_both_services() {
    let shop = Shop::open(&[]);
    let audit = Audit::new();
    audit
        .send(&format!("{}/checkout/breakfast", shop.url))
        .unwrap();
    // Two requests reach pricing; the third is a POST, which the route refuses.
    shop.wait_for_spans(11);
    let traces = shop.collector.traces();
    let logs = shop.close().concat();
    assert!(!logs.is_empty());
    audit.report(&traces, &logs).assert_safe();
}

#[test]
fn where_nothing_comes_back_nothing_is_claimed() {
    let report = Audit::new().report(&[], &[]);
    assert!(!report.is_safe());
    assert!(report.to_string().contains("no result"), "{report}");
}
