//! Log records over OTLP beside the log lines: real bytes over a real socket, each test in a process of its own.
#![cfg(feature = "logs")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use opentelemetry::trace::{SpanContext, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use otel_core::task;
use otel_setup::{Exporter, Telemetry};
use prost::Message as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use self::support::child::in_own_process;
#[cfg(feature = "grpc")]
use self::support::span_layer::init;
use self::support::{Endpoint, Logged, Mood, start};

const OTLP: (&str, &str) = ("OTEL_LOGS_EXPORTER", "otlp");
/// Nothing leaves before the guard is dropped.
const LATE: (&str, &str) = ("OTEL_BLRP_SCHEDULE_DELAY", "3600000");

/// What arrives of all that `log` logs, when the guard is dropped.
fn logged(log: impl FnOnce(&Telemetry)) -> Vec<Logged> {
    let endpoint = Endpoint::start(Mood::Fine);
    let telemetry = start(endpoint.url());
    log(&telemetry);
    drop(telemetry);
    endpoint.logs()
}

fn with_body<'a>(logs: &'a [Logged], body: &str) -> &'a Logged {
    let found = logs.iter().find(|it| it.body() == body);
    found.unwrap_or_else(|| panic!("no record {body:?} in {logs:?}"))
}

fn assert_ids(logged: &Logged, expected: &SpanContext) {
    let record = &logged.record;
    assert_eq!(record.trace_id, expected.trace_id().to_bytes());
    assert_eq!(record.span_id, expected.span_id().to_bytes());
    assert_eq!(record.flags, u32::from(expected.trace_flags().to_u8()));
}

#[test]
fn a_record_says_what_its_line_says() {
    let name = "a_record_says_what_its_line_says";
    let lines = in_own_process(name, &[OTLP, LATE], || {
        let logs = logged(|_| {
            let span = tracing::info_span!("price cart", cart = 7);
            span.in_scope(|| {
                tracing::warn!(
                    name: "cart.slow", target: "shop", waited_ms = 1500, share = 0.5, late = true, kind = "tea",
                    "pricing is {}", "slow"
                );
            });
        });
        assert_eq!(logs.len(), 1, "{logs:?}");
        let logged = &logs[0];
        assert_eq!(logged.body(), "pricing is slow");
        assert_eq!(logged.scope, "shop");
        assert_eq!(logged.record.severity_number, 13);
        assert_eq!(logged.record.severity_text, "WARN");
        assert_eq!(logged.record.event_name, "cart.slow");
        assert!(logged.record.time_unix_nano > 0);
        let expected = [
            ("waited_ms", Value::IntValue(1500)),
            ("share", Value::DoubleValue(0.5)),
            ("late", Value::BoolValue(true)),
            ("kind", Value::StringValue("tea".to_owned())),
            ("cart", Value::IntValue(7)),
        ];
        assert_eq!(logged.record.attributes.len(), expected.len());
        for (key, value) in expected {
            assert_eq!(logged.attribute(key), Some(&value));
        }
        // For the parent, which has the line.
        println!(
            "{{\"trace_id\":\"{}\"}}",
            opentelemetry::TraceId::from_bytes(logged.record.trace_id.clone().try_into().unwrap())
        );
    });
    let line = &lines[0];
    assert_eq!(line["message"], "pricing is slow");
    assert_eq!(line["trace_id"], lines[1]["trace_id"]);
}

#[test]
fn ids_are_those_of_the_span_around() {
    let name = "ids_are_those_of_the_span_around";
    in_own_process(name, &[OTLP, LATE], || {
        let mut spans = Vec::new();
        let logs = logged(|telemetry| {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let tracer = telemetry.tracer_provider().unwrap().tracer("test");

            let span = tracing::info_span!("of tracing").entered();
            tracing::info!("in a tracing span");
            spans.push(("in a tracing span", span.context()));
            let spawned = task::in_context(async { tracing::info!("spawned in a tracing span") });
            runtime.block_on(runtime.spawn(spawned)).unwrap();
            spans.push(("spawned in a tracing span", span.context()));
            drop(span);

            let context = Context::current_with_span(tracer.start("of the API"));
            let attached = context.clone().attach();
            tracing::info!("in a plain context");
            spans.push(("in a plain context", context.clone()));
            let spawned = task::in_context(async { tracing::info!("spawned in a plain context") });
            drop(attached);
            runtime.block_on(runtime.spawn(spawned)).unwrap();
            spans.push(("spawned in a plain context", context));

            tracing::info!("outside");
        });
        for (body, context) in &spans {
            assert_ids(with_body(&logs, body), context.span().span_context());
        }
        let outside = with_body(&logs, "outside");
        assert!(outside.record.trace_id.is_empty(), "{outside:?}");
    });
}

#[test]
fn an_unsampled_span_has_ids_and_says_so() {
    let name = "an_unsampled_span_has_ids_and_says_so";
    let variables = [OTLP, LATE, ("OTEL_TRACES_SAMPLER", "always_off")];
    in_own_process(name, &variables, || {
        let logs = logged(|_| tracing::info_span!("s").in_scope(|| tracing::info!("quiet")));
        let record = &with_body(&logs, "quiet").record;
        assert_eq!(record.trace_id.len(), 16);
        assert_eq!(record.flags & 1, 0);
    });
}

#[test]
fn rust_log_decides_about_both_alike() {
    let name = "rust_log_decides_about_both_alike";
    let filter = "warn,shop=debug,[checkout]=trace,opentelemetry=off";
    let lines = in_own_process(name, &[OTLP, LATE, ("RUST_LOG", filter)], || {
        let logs = logged(|_| {
            tracing::info!("too fine");
            tracing::warn!("1");
            tracing::debug!(target: "shop", "2");
            tracing::trace!(target: "shop", "too fine");
            tracing::info_span!("checkout").in_scope(|| tracing::trace!("3"));
            tracing::info_span!("other").in_scope(|| tracing::info!("too fine"));
        });
        let mut bodies: Vec<_> = logs.iter().map(Logged::body).collect();
        bodies.sort_unstable();
        assert_eq!(bodies, ["1", "2", "3"]);
    });
    let messages: Vec<_> = lines.iter().map(|line| line["message"].clone()).collect();
    assert_eq!(messages, ["1", "2", "3"]);
}

#[test]
fn no_secret_leaves() {
    let name = "no_secret_leaves";
    let lines = in_own_process(name, &[OTLP, LATE], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(endpoint.url());
        let span = tracing::info_span!("login", api_key = "hunter2", user = "ann");
        span.in_scope(|| tracing::info!(password = "hunter2", attempt = 1, "logged in"));
        drop(telemetry);
        let requests = endpoint.requests();
        let logs = requests.iter().find(|it| it.path == "/v1/logs").unwrap();
        assert!(!logs.body.windows(7).any(|bytes| bytes == b"hunter2"));
        let redacted = Value::StringValue("REDACTED".to_owned());
        let logged = &endpoint.logs()[0];
        for key in ["password", "api_key"] {
            assert_eq!(logged.attribute(key), Some(&redacted), "{logged:?}");
        }
        assert_eq!(logged.attribute("attempt"), Some(&Value::IntValue(1)));
    });
    assert_eq!(lines[0]["password"], "REDACTED", "the same rule");
}

#[test]
fn records_of_the_log_crate_arrive_as_well() {
    let name = "records_of_the_log_crate_arrive_as_well";
    in_own_process(name, &[OTLP, LATE], || {
        let logs = logged(|_| log::warn!(target: "legacy::db", "slow query"));
        let logged = with_body(&logs, "slow query");
        assert_eq!(logged.scope, "legacy::db");
        assert_eq!(logged.record.attributes, []);
    });
}

#[test]
fn limits_are_kept_to() {
    let variables = [
        OTLP,
        LATE,
        ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "2"),
        ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "3"),
    ];
    in_own_process("limits_are_kept_to", &variables, || {
        let logs = logged(|_| tracing::info!(colour = "green", number = 12345, third = 3, "long"));
        let logged = with_body(&logs, "long");
        assert_eq!(logged.record.attributes.len(), 2);
        let colour = Value::StringValue("gre".to_owned());
        assert_eq!(logged.attribute("colour"), Some(&colour));
        assert_eq!(logged.attribute("number"), Some(&Value::IntValue(12345)));
    });
}

#[test]
fn the_guard_sends_all_that_was_logged_before_in_batches() {
    let name = "the_guard_sends_all_that_was_logged_before_in_batches";
    let variables = [OTLP, LATE, ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "100")];
    in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .resource(KeyValue::new("service.version", "3"))
            .otlp_endpoint(endpoint.url())
            .init()
            .unwrap();
        for number in 0..950 {
            tracing::info!(number, "x");
        }
        telemetry.shutdown();
        let logs = endpoint.logs();
        let numbers: Vec<_> = logs
            .iter()
            .map(|it| it.attribute("number").cloned())
            .collect();
        let expected: Vec<_> = (0..950).map(|it| Some(Value::IntValue(it))).collect();
        assert_eq!(numbers, expected);
        let requests = endpoint.requests();
        assert!(requests.iter().all(|it| it.logs().len() <= 100));
        let request = ExportLogsServiceRequest::decode(requests[0].body.as_slice()).unwrap();
        let resource = request.resource_logs[0].resource.as_ref().unwrap();
        for key in ["service.name", "service.version", "host.name"] {
            assert!(resource.attributes.iter().any(|it| it.key == key), "{key}");
        }
    });
}

#[test]
fn the_signals_own_settings_count() {
    let name = "the_signals_own_settings_count";
    let endpoint = Endpoint::start(Mood::Fine);
    let own = format!("{}/own/path", endpoint.url());
    let variables = [
        OTLP,
        LATE,
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1"),
        ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", own.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=all"),
        ("OTEL_EXPORTER_OTLP_LOGS_HEADERS", "api-key=logs"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    in_own_process(name, &variables, || {
        let telemetry = otel_setup::init("checkout").unwrap();
        tracing::info!("x");
        let counts = telemetry.log_counts().unwrap();
        assert_eq!((counts.waiting, counts.exported), (1, 0));
        telemetry.shutdown();
    });
    let requests = endpoint.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].path, "/own/path");
    assert_eq!(requests[0].headers["api-key"], "logs");
    assert_eq!(requests[0].logs()[0].body(), "x");
}

#[test]
fn there_are_none_unless_asked_for() {
    let name = "there_are_none_unless_asked_for";
    for variables in [
        [].as_slice(),
        &[("OTEL_LOGS_EXPORTER", "none")],
        &[OTLP, ("OTEL_SDK_DISABLED", "true")],
    ] {
        let lines = in_own_process(name, variables, || {
            let endpoint = Endpoint::start(Mood::Fine);
            let telemetry = start(endpoint.url());
            tracing::info!("a line");
            assert!(telemetry.log_counts().is_none());
            assert!(telemetry.logger_provider().is_none());
            telemetry.shutdown();
            assert_eq!(endpoint.requests().len(), 0);
        });
        assert_eq!(lines.len(), 1, "{variables:?}: {lines:?}");
    }
}

#[test]
fn code_asks_for_them_too() {
    in_own_process("code_asks_for_them_too", &[LATE], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .otlp_endpoint(endpoint.url())
            .logs_exporter(Exporter::Otlp)
            .init()
            .unwrap();
        tracing::info!("a line and a record");
        telemetry.shutdown();
        assert_eq!(endpoint.logs().len(), 1);
    });
}

#[test]
fn the_variable_wins_over_code() {
    let variables = [LATE, ("OTEL_LOGS_EXPORTER", "none")];
    in_own_process("the_variable_wins_over_code", &variables, || {
        let builder = otel_setup::builder().service_name("checkout");
        let telemetry = builder.logs_exporter(Exporter::Otlp).init().unwrap();
        assert!(telemetry.logger_provider().is_none());
    });
}

#[test]
#[cfg(feature = "grpc")]
fn over_grpc_they_are_the_same() {
    let name = "over_grpc_they_are_the_same";
    let variables = [OTLP, LATE, ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "grpc")];
    in_own_process(name, &variables, || {
        let collector = otel_testkit::Collector::start().unwrap();
        let url = collector.grpc_endpoint();
        let variables = [("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", Some(url.as_str()))];
        let telemetry = temp_env::with_vars(variables, || init("checkout")).unwrap();
        let span = tracing::info_span!("price cart").entered();
        let context = span.context();
        tracing::warn!(target: "shop", waited_ms = 1500, password = "hunter2", "pricing is slow");
        drop(span);
        telemetry.shutdown();
        let logs = collector.logs();
        assert_eq!(logs.len(), 1, "{logs:?}");
        assert_eq!(logs[0].message(), "pricing is slow");
        assert_eq!(logs[0].target(), "shop");
        assert_eq!(logs[0].level(), "WARN");
        assert_eq!(logs[0].service(), Some("checkout"));
        assert_eq!(logs[0].field("waited_ms"), Some(&1500.into()));
        assert_eq!(logs[0].field("password"), Some(&"REDACTED".into()));
        let trace_id = context.span().span_context().trace_id().to_string();
        assert_eq!(logs[0].trace_id(), Some(trace_id.as_str()));
        assert_eq!(logs[0].trace_flags(), Some("01"));
    });
}
