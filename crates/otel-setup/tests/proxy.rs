//! Exports through a proxy, and around it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::env;

use self::support::child::{about, in_own_process};
use self::support::proxy::{
    CASE, CREDENTIALS, export_a_span, set_up, unused_proxy, with_credentials,
};
use self::support::{Endpoint, Mood};

/// A name that resolves nowhere.
const COLLECTOR: &str = "http://collector.invalid:4318";

#[test]
fn a_collector_on_this_machine_gets_its_spans_without_the_proxy() {
    let name = "a_collector_on_this_machine_gets_its_spans_without_the_proxy";
    for host in ["127.0.0.1", "localhost", "LocalHost", "127.1", "0.0.0.0"] {
        in_own_process(name, &[(CASE, host)], || {
            let endpoint = Endpoint::start(Mood::Fine);
            let url = endpoint
                .url()
                .replace("127.0.0.1", &env::var(CASE).unwrap());
            let proxy = unused_proxy();
            export_a_span(set_up(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &url),
                ("HTTP_PROXY", &proxy),
                ("http_proxy", &proxy),
                ("HTTPS_PROXY", &proxy),
                ("ALL_PROXY", &proxy),
            ]));
            assert_eq!(endpoint.spans(), ["work"]);
        });
    }
}

#[test]
fn spans_for_another_machine_go_through_the_proxy_with_its_password() {
    let name = "spans_for_another_machine_go_through_the_proxy_with_its_password";
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        in_own_process(name, &[(CASE, variable)], || {
            let proxy = Endpoint::start(Mood::Fine);
            let variable = env::var(CASE).unwrap();
            export_a_span(set_up(&[
                (
                    "OTEL_EXPORTER_OTLP_ENDPOINT",
                    &format!("{COLLECTOR}/otlp?tenant=a"),
                ),
                (&variable, &with_credentials(&proxy.url())),
                ("NO_PROXY", "elsewhere.invalid,10.0.0.0/8"),
            ]));
            let requests = proxy.requests();
            assert_eq!(requests.len(), 1);
            assert_eq!(
                requests[0].path,
                format!("{COLLECTOR}/otlp/v1/traces?tenant=a")
            );
            assert_eq!(requests[0].headers["host"], "collector.invalid:4318");
            assert_eq!(requests[0].headers["proxy-authorization"], CREDENTIALS);
            assert_eq!(requests[0].span_names(), ["work"]);
        });
    }
}

#[test]
fn hosts_of_no_proxy_are_reached_without_the_proxy() {
    let name = "hosts_of_no_proxy_are_reached_without_the_proxy";
    for hosts in ["collector.invalid", "a, .invalid", "*"] {
        let lines = in_own_process(name, &[(CASE, hosts)], || {
            let proxy = unused_proxy();
            let telemetry = set_up(&[
                ("OTEL_EXPORTER_OTLP_ENDPOINT", COLLECTOR),
                ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
                ("HTTP_PROXY", &proxy),
                ("NO_PROXY", &env::var(CASE).unwrap()),
            ]);
            export_a_span(telemetry);
        });
        // The name resolves nowhere.
        assert_eq!(about(&lines, "spans cannot be exported").len(), 1);
    }
}
