//! The query of an endpoint, such as a tenant or a key, arrives with each export.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use opentelemetry::global;

use self::support::child::in_own_process;
use self::support::{Endpoint, Mood};

/// Exports of each signal to this endpoint; returns the sorted targets of the requests.
fn targets(variables: impl Fn(&str) -> Vec<(&'static str, String)>) -> Vec<String> {
    let endpoint = Endpoint::start(Mood::Fine);
    let variables = variables(&endpoint.url());
    let variables = variables
        .into_iter()
        .map(|(name, value)| (name, Some(value)));
    let variables = variables.chain([("OTEL_LOGS_EXPORTER", Some("otlp".to_owned()))]);
    let init = || otel_setup::init("checkout").unwrap();
    let telemetry = temp_env::with_vars(variables.collect::<Vec<_>>(), init);
    global::meter("test")
        .u64_counter("orders")
        .build()
        .add(1, &[]);
    tracing::info_span!("work").in_scope(|| tracing::info!("a line"));
    telemetry.shutdown();
    let mut targets: Vec<_> = endpoint.requests().into_iter().map(|it| it.path).collect();
    targets.sort_unstable();
    targets
}

/// Leaves the target of logs out if their feature is off.
fn expected(targets: [&str; 3]) -> Vec<String> {
    let targets = targets
        .iter()
        .filter(|it| cfg!(feature = "logs") || !it.contains("logs"));
    targets.map(|it| (*it).to_owned()).collect()
}

#[test]
fn the_query_of_the_endpoint_arrives_with_every_signal() {
    let name = "the_query_of_the_endpoint_arrives_with_every_signal";
    in_own_process(name, &[], || {
        let targets = targets(|url| {
            let url = format!("{url}/otlp/?tenant=a&next=/x/y#part");
            vec![("OTEL_EXPORTER_OTLP_ENDPOINT", url)]
        });
        let expected = expected([
            "/otlp/v1/logs?tenant=a&next=/x/y",
            "/otlp/v1/metrics?tenant=a&next=/x/y",
            "/otlp/v1/traces?tenant=a&next=/x/y",
        ]);
        assert_eq!(targets, expected);
    });
}

#[test]
fn the_own_endpoint_of_a_signal_is_used_as_it_is_with_its_query() {
    let name = "the_own_endpoint_of_a_signal_is_used_as_it_is_with_its_query";
    in_own_process(name, &[], || {
        let targets = targets(|url| {
            vec![
                ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{url}?tenant=all")),
                (
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                    format!("{url}/in/traces?key=1/2"),
                ),
                ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", format!("{url}?logs")),
            ]
        });
        let expected = expected(["/?logs", "/in/traces?key=1/2", "/v1/metrics?tenant=all"]);
        assert_eq!(targets, expected);
    });
}
