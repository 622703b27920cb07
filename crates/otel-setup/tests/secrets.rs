//! What is named like a secret leaves neither with spans nor in lines.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, KeyValue, global};
use otel_core::redact::{self, Secrets};
use otel_setup::Builder;

use self::support::child::in_own_process;
use self::support::span_layer::with_span_layer;
use self::support::{Endpoint, Mood};

const SECRET: &str = "S3cr-t-0f-Ada";

#[cfg(feature = "logs")]
const LOGS: &str = "otlp";
#[cfg(not(feature = "logs"))]
const LOGS: &str = "none";

#[cfg(feature = "logs")]
const PATHS: &[&str] = &["/v1/logs", "/v1/metrics", "/v1/traces"];
#[cfg(not(feature = "logs"))]
const PATHS: &[&str] = &["/v1/metrics", "/v1/traces"];

#[tracing::instrument]
fn sign_in(user: &str, token: &str) {
    let iban = token;
    tracing::info!(iban, password = token, "signed in");
    let attribute = KeyValue::new("customer.apiKey", token.to_owned());
    Context::current().span().set_attribute(attribute);
}

/// What was exported, as text, and how often the secret is in it.
fn exported(choose: impl FnOnce(Builder) -> Builder) -> (String, usize) {
    let endpoint = Endpoint::start(Mood::Fine);
    let builder = with_span_layer(otel_setup::builder())
        .service_name("checkout")
        .otlp_endpoint(endpoint.url())
        .span_events(true);
    let telemetry = choose(builder).init().unwrap();
    sign_in("ada", SECRET);
    telemetry.shutdown();
    let requests = endpoint.requests();
    let spans = requests.iter().find(|it| it.path == "/v1/traces").unwrap();
    let text = String::from_utf8_lossy(&spans.body).into_owned();
    let count = text.matches(SECRET).count();
    (text, count)
}

#[test]
fn attributes_of_spans_and_events_are_redacted_by_the_names_of_log_fields() {
    let name = "attributes_of_spans_and_events_are_redacted_by_the_names_of_log_fields";
    let lines = in_own_process(name, &[], || {
        let (text, count) = exported(|builder| builder.secrets(Secrets::default().also(["iban"])));
        assert_eq!(count, 0, "{text}");
        assert!(redact::current().is_secret("iban"), "of the process, too");
        // token, customer.apiKey, iban, password
        assert_eq!(text.matches("REDACTED").count(), 4, "{text}");
        assert!(text.contains("ada"), "{text}");
    });
    let line = lines.iter().find(|line| line["message"] == "signed in");
    let line = line.unwrap();
    for field in ["iban", "password", "token"] {
        assert_eq!(line[field], "REDACTED", "{line}");
    }
}

#[test]
fn what_is_redacted_can_be_chosen() {
    let lines = in_own_process("what_is_redacted_can_be_chosen", &[], || {
        let (text, count) =
            exported(|builder| builder.secrets(Secrets::dangerously_only(["password"])));
        assert_eq!(count, 3, "{text}");
    });
    let line = lines.iter().find(|line| line["message"] == "signed in");
    let line = line.unwrap();
    assert_eq!(
        (&line["iban"], &line["password"]),
        (&SECRET.into(), &"REDACTED".into())
    );
}

#[test]
fn secrets_of_the_resource_are_hidden_in_every_signal() {
    let name = "secrets_of_the_resource_are_hidden_in_every_signal";
    let attributes =
        "api_key=S3cr-t-0f-Ada,team=shop,db.url=postgres%3A%2F%2Fu%3AS3cr-t-0f-Ada%40h%2Fdb";
    let variables = [
        ("OTEL_RESOURCE_ATTRIBUTES", attributes),
        ("OTEL_LOGS_EXPORTER", LOGS),
    ];
    in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = with_span_layer(otel_setup::builder())
            .service_name("checkout")
            .otlp_endpoint(endpoint.url())
            .resource(KeyValue::new("build.token", SECRET))
            .init()
            .unwrap();
        global::meter("shop")
            .u64_counter("orders")
            .build()
            .add(1, &[]);
        tracing::info_span!("work").in_scope(|| tracing::info!("done"));
        telemetry.shutdown();
        let requests = endpoint.requests();
        let mut paths: Vec<_> = requests.iter().map(|it| it.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, PATHS);
        for request in requests {
            let text = String::from_utf8_lossy(&request.body);
            assert!(!text.contains(SECRET), "{text}");
            for shown in [
                "api_key",
                "build.token",
                "shop",
                "postgres://REDACTED:REDACTED@h/db",
            ] {
                assert!(text.contains(shown), "{} in {text}", request.path);
            }
            // api_key, build.token, and twice in db.url
            assert_eq!(text.matches("REDACTED").count(), 4, "{text}");
        }
    });
}
