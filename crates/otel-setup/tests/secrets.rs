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
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::ResourceDetector;
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

#[test]
fn a_warning_hides_what_follows_a_secret_and_the_secrets_of_the_program() {
    let name = "a_warning_hides_what_follows_a_secret_and_the_secrets_of_the_program";
    let lists = [
        (
            "password=hunter2,hunter2,zone=b",
            "password=REDACTED,REDACTED,zone=b",
        ),
        ("pass%77ord=hunter2,b", "pass%77ord=REDACTED,REDACTED"),
        ("iban=hunter2,zone", "iban=REDACTED,REDACTED"),
        ("zone=b,team", "zone=b,team"),
    ];
    for (list, shown) in lists {
        let variables = [
            ("OTEL_RESOURCE_ATTRIBUTES", list),
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ];
        let lines = in_own_process(name, &variables, || {
            let builder = otel_setup::builder().service_name("checkout");
            let builder = builder.secrets(Secrets::default().also(["iban"]));
            drop(builder.init().unwrap());
        });
        let message = lines[0]["message"].as_str().unwrap();
        assert!(message.contains(&format!("{shown:?}")), "{message}");
    }
}

#[derive(Debug)]
struct Leaky;

impl ResourceDetector for Leaky {
    fn detect(&self) -> Resource {
        let attributes = [
            KeyValue::new("api_token", SECRET),
            KeyValue::new("db", format!("postgres://shop:{SECRET}@h/db")),
            KeyValue::new("zone", "b"),
        ];
        let builder = Resource::builder_empty();
        builder.with_schema_url(attributes, "https://s/1").build()
    }
}

#[test]
fn secrets_of_a_detector_are_hidden() {
    let name = "secrets_of_a_detector_are_hidden";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = otel_setup::builder().service_name("checkout");
        let builder = builder.otlp_endpoint(endpoint.url());
        let telemetry = builder.resource_detector(Leaky).init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        telemetry.shutdown();
        let text = String::from_utf8_lossy(&endpoint.requests()[0].body).into_owned();
        assert!(!text.contains(SECRET), "{text}");
        assert!(
            text.contains("zone") && text.contains("https://s/1"),
            "{text}"
        );
    });
}
