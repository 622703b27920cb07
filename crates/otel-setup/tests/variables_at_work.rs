//! Variables that decide about the whole process, or about when and in what portions spans leave: each test in a process of
//! its own, over a real socket where something is sent.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, global};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use otel_setup::Exporter;
use otel_tower::ServerLayer;
use otel_tower::trust::Trust;
use prost::Message as _;
use tokio::net::TcpListener;

use self::support::child::in_own_process;
use self::support::{Endpoint, LIMIT, Mood, Request, start};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn received(name: &str, value: &str) -> Context {
    let headers = HashMap::from([(name.to_owned(), value.to_owned())]);
    global::get_text_map_propagator(|it| it.extract_with_context(&Context::new(), &headers))
}

fn sent(context: &Context) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    global::get_text_map_propagator(|it| it.inject_context(context, &mut headers));
    headers
}

#[test]
fn propagators_are_those_of_the_variable() {
    let name = "propagators_are_those_of_the_variable";
    let variables = [
        ("OTEL_PROPAGATORS", "b3"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    in_own_process(name, &variables, || {
        let _telemetry = otel_setup::init("checkout").unwrap();
        assert!(!received("traceparent", TRACEPARENT).has_active_span());
        let b3 = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1";
        let sent = sent(&received("b3", b3));
        assert_eq!(sent["b3"], b3);
        assert!(!sent.contains_key("traceparent"));
    });
}

#[test]
fn the_ratio_decides_for_b3_callers_that_have_not_decided() {
    let name = "the_ratio_decides_for_b3_callers_that_have_not_decided";
    for ratio in ["0", "1"] {
        let variables = [
            ("OTEL_PROPAGATORS", "tracecontext,b3"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", ratio),
            ("OTEL_METRICS_EXPORTER", "none"),
        ];
        in_own_process(name, &variables, || {
            let endpoint = Endpoint::start(Mood::Fine);
            let telemetry = start(endpoint.url());
            let layer = ServerLayer::new().trust(Trust::Resample);
            let app = Router::new()
                .route(
                    "/",
                    get(async || tracing::info_span!("inside").in_scope(|| ())),
                )
                .layer(layer);
            let ids = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1";
            // Two spans for each request: one without a state, one as Brave writes it, and one of a front end that sends `00`.
            let heads = [
                format!("b3: {ids}"),
                format!("b3: {ids}-05e3ac9a4f6e3b90"),
                TRACEPARENT
                    .replace("-01", "-00")
                    .replace("00-0a", "traceparent: 00-0a"),
            ];
            serve(app, &heads);
            let counts = telemetry.shutdown().unwrap();
            // The child process has one of the ratios.
            let is_sampled = std::env::var("OTEL_TRACES_SAMPLER_ARG").unwrap() == "1";
            assert_eq!(counts.exported, if is_sampled { 6 } else { 0 });
        });
    }
}

/// Serves on this thread until each head has been answered.
fn serve(app: Router, heads: &[String]) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = heads.to_vec();
        let send_all = move || {
            for head in heads {
                let mut stream = TcpStream::connect(address).unwrap();
                let request =
                    format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{head}\r\n\r\n");
                stream.write_all(request.as_bytes()).unwrap();
                let mut response = String::new();
                stream.read_to_string(&mut response).unwrap();
                assert!(response.starts_with("HTTP/1.1 200"), "{response}");
            }
        };
        tokio::select! {
            served = axum::serve(listener, app).into_future() => panic!("{served:?}"),
            sent = tokio::task::spawn_blocking(send_all) => sent.unwrap(),
        }
    });
}

#[test]
fn a_disabled_sdk_exports_nothing_and_hands_on_what_callers_send() {
    let name = "a_disabled_sdk_exports_nothing_and_hands_on_what_callers_send";
    let lines = in_own_process(name, &[("OTEL_SDK_DISABLED", "TRUE")], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(endpoint.url());
        assert!(telemetry.tracer_provider().is_none());
        assert!(telemetry.meter_provider().is_none());
        assert!(telemetry.span_counts().is_none());
        tracing::info_span!("work").in_scope(|| tracing::info!("still a line"));
        global::meter("test")
            .u64_counter("orders")
            .build()
            .add(1, &[]);
        let context = received("traceparent", TRACEPARENT);
        assert_eq!(sent(&context)["traceparent"], TRACEPARENT);
        assert!(telemetry.shutdown().is_none());
        assert_eq!(endpoint.requests().len(), 0);
    });
    assert_eq!(lines[0]["message"], "still a line");
}

/// Sends a request with a context to a service that has the server layer.
fn serve_one_request() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = || async { tracing::info!("answered") };
        let app = axum::Router::new()
            .route("/", axum::routing::get(answer))
            .layer(otel_tower::ServerLayer::new());
        tokio::spawn(async { axum::serve(listener, app).await });
        let head = format!(
            "GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ntraceparent: {TRACEPARENT}\r\n\r\n"
        );
        let ask = move || {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream.read_to_end(&mut Vec::new()).unwrap();
        };
        tokio::task::spawn_blocking(ask).await.unwrap();
    });
}

#[test]
fn a_service_whose_telemetry_is_off_on_purpose_is_not_warned() {
    let name = "a_service_whose_telemetry_is_off_on_purpose_is_not_warned";
    for variables in [
        [
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_PROPAGATORS", "tracecontext"),
        ],
        [("OTEL_SDK_DISABLED", "true"), ("OTEL_PROPAGATORS", "none")],
        [
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_PROPAGATORS", "none"),
        ],
    ] {
        let lines = in_own_process(name, &variables, || {
            temp_env::with_var("OTEL_METRICS_EXPORTER", Some("none"), || {
                let _telemetry = otel_setup::init("checkout").unwrap();
                serve_one_request();
            });
        });
        let found: Vec<_> = lines.iter().map(|line| &line["message"]).collect();
        assert_eq!(found, ["answered"], "{variables:?}");
    }
}

#[test]
fn a_migration_that_others_are_in_is_a_warning() {
    let name = "a_migration_that_others_are_in_is_a_warning";
    let variables = [
        ("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup"),
        ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs"),
        #[cfg(feature = "logs")]
        ("OTEL_LOGS_EXPORTER", "otlp"),
    ];
    let lines = in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Fine);
        start(endpoint.url()).shutdown();
        assert_eq!(endpoint.requests().len(), 0, "they are lines alone");
    });
    for ((variable, value), line) in variables.iter().zip(&lines) {
        let message = line["message"].as_str().unwrap();
        let expected = format!("{variable}=\"{value}\" changes nothing: ");
        assert!(message.starts_with(&expected), "{message}");
        assert_eq!(line["level"], "WARN");
    }
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[test]
fn who_is_reporting_is_told_by_the_variables() {
    let name = "who_is_reporting_is_told_by_the_variables";
    let variables = [
        ("OTEL_SERVICE_NAME", "checkout"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,team=shop"),
    ];
    in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = otel_setup::builder().otlp_endpoint(endpoint.url());
        let telemetry = builder.init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        telemetry.shutdown();
        let body = &endpoint.requests()[0].body;
        let request = ExportTraceServiceRequest::decode(body.as_slice()).unwrap();
        let resource = request.resource_spans[0].resource.clone().unwrap();
        let value = |key: &str| {
            let found = resource.attributes.iter().find(|it| it.key == key)?;
            found.value.clone()?.value
        };
        for (key, expected) in [("service.name", "checkout"), ("team", "shop")] {
            assert_eq!(value(key), Some(Value::StringValue(expected.to_owned())));
        }
    });
}

/// What leaves of a span and a metric.
fn paths(name: &str, variable: (&str, &str), expected: &[&str]) {
    in_own_process(name, &[variable], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(endpoint.url());
        tracing::info_span!("work").in_scope(|| ());
        global::meter("test")
            .u64_counter("orders")
            .build()
            .add(1, &[]);
        telemetry.shutdown();
        let requests = endpoint.requests();
        let paths: Vec<_> = requests.iter().map(|it| it.path.as_str()).collect();
        assert_eq!(paths, expected);
    });
}

#[test]
fn spans_alone_are_switched_off() {
    let off = ("OTEL_TRACES_EXPORTER", "none");
    paths("spans_alone_are_switched_off", off, &["/v1/metrics"]);
}

#[test]
fn metrics_alone_are_switched_off() {
    let off = ("OTEL_METRICS_EXPORTER", "none");
    paths("metrics_alone_are_switched_off", off, &["/v1/traces"]);
}

#[test]
fn spans_leave_with_the_delay_and_in_batches_of_the_size_of_the_variables() {
    let name = "spans_leave_with_the_delay_and_in_batches_of_the_size_of_the_variables";
    let variables = [
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"),
    ];
    in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let _telemetry = start(endpoint.url());
        let start = Instant::now();
        for _ in 0..10 {
            tracing::info_span!("work").in_scope(|| ());
        }
        let spans = |requests: &[Request]| requests.iter().flat_map(Request::span_names).count();
        let requests = endpoint.wait_for(|requests| spans(requests) == 10);
        // By default after 5 s, and all at once.
        assert!(
            start.elapsed() < Duration::from_secs(4),
            "{:?}",
            start.elapsed()
        );
        assert!(requests.iter().all(|it| it.span_names().len() <= 4));
    });
}

#[test]
fn metrics_leave_with_the_interval_of_the_variable() {
    let name = "metrics_leave_with_the_interval_of_the_variable";
    in_own_process(name, &[("OTEL_METRIC_EXPORT_INTERVAL", "100")], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let _telemetry = otel_setup::builder()
            .service_name("checkout")
            .traces_exporter(Exporter::None)
            .otlp_endpoint(endpoint.url())
            .init()
            .unwrap();
        global::meter("test")
            .u64_counter("orders")
            .build()
            .add(1, &[]);
        // Three of them, each by default after 60 s, which is beyond the limit of the test.
        assert!(LIMIT < Duration::from_secs(60));
        endpoint.wait_for(|requests| requests.len() >= 3);
    });
}

#[test]
fn the_sampler_is_that_of_the_variable() {
    let name = "the_sampler_is_that_of_the_variable";
    let variables = [
        ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0"),
    ];
    in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(endpoint.url());
        tracing::info_span!("work").in_scope(|| ());
        let counts = telemetry.shutdown().unwrap();
        assert_eq!((counts.exported, counts.dropped), (0, 0));
        assert_eq!(endpoint.spans(), [""; 0]);
    });
}

#[test]
fn telemetry_itself_is_silenced_by_its_own_level() {
    let name = "telemetry_itself_is_silenced_by_its_own_level";
    for (level, reports) in [("none", 0), ("error", 1)] {
        let variables = [
            ("OTEL_LOG_LEVEL", level),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ];
        let lines = in_own_process(name, &variables, || {
            let endpoint = Endpoint::start(Mood::Status(400, None));
            let telemetry = start(endpoint.url());
            tracing::info_span!("work").in_scope(|| ());
            telemetry.shutdown();
        });
        assert_eq!(
            support::child::about(&lines, "").len(),
            reports,
            "{level}: {lines:?}"
        );
    }
}
