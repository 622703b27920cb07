//! What a set-up says about itself when it starts.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, global};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::Registry;
use tracing_subscriber::prelude::*;

use self::support::child::{all_lines_in_own_process, in_own_process, output_of_own_process};
use self::support::environment::with_only;
use self::support::{Endpoint, Mood};

#[test]
fn the_start_line_says_what_is_in_force() {
    let name = "the_start_line_says_what_is_in_force";
    let variables = [
        ("OTEL_SERVICE_NAME", "checkout-blue"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://user:hunter2@localhost:1/otlp?api_key=hunter2",
        ),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OTEL_PROPAGATORS", "b3,tracecontext"),
        ("RUST_LOG", "info,shop=debug"),
    ];
    let lines = all_lines_in_own_process(name, &variables, || {
        let builder = otel_setup::builder().service_name("checkout");
        drop(builder.span_filter("info,shop=debug").init().unwrap());
    });
    let line = &lines[0];
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["target"], "otel_setup");
    assert_eq!(line["event.name"], "started");
    assert_eq!(line["service"], "checkout-blue");
    let url = "http://REDACTED:REDACTED@localhost:1/otlp/v1/traces?api_key=REDACTED";
    assert_eq!(line["traces"], format!("http/protobuf {url}"));
    assert_eq!(line["metrics"], "none");
    assert_eq!(line["logs"], "none");
    assert_eq!(line["sampler"], "parentbased_traceidratio 0.25");
    assert_eq!(line["propagators"], "b3,tracecontext");
    assert_eq!(line["span_filter"], "info,shop=debug");
    assert_eq!(line["log_filter"], "info,shop=debug");
    assert_eq!(line["lines"], "json to standard output");
}

#[test]
fn without_a_name_there_is_one_warning_and_the_executable_names_the_service() {
    let name = "without_a_name_there_is_one_warning_and_the_executable_names_the_service";
    let off = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let lines = all_lines_in_own_process(name, &off, || {
        drop(otel_setup::builder().init().unwrap());
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["level"], "WARN");
    assert_eq!(lines[0]["event.name"], "no_service_name");
    let service = lines[1]["service"].as_str().unwrap();
    assert!(service.starts_with("unknown_service:start-"), "{service}");
}

#[test]
fn an_override_of_the_name_says_which_name_it_replaces() {
    let name = "an_override_of_the_name_says_which_name_it_replaces";
    let variables = [
        ("OTEL_SERVICE_NAME", "of-the-environment"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let lines = all_lines_in_own_process(name, &variables, || {
        let builder = otel_setup::builder().override_service_name("checkout");
        drop(builder.init().unwrap());
    });
    assert_eq!(lines[0]["event.name"], "service_name_overridden");
    assert!(
        lines[0]["message"]
            .as_str()
            .unwrap()
            .contains("of-the-environment")
    );
    assert_eq!(lines[1]["service"], "checkout");
}

#[test]
fn a_tracer_provider_that_was_set_before_is_replaced_with_a_warning() {
    let name = "a_tracer_provider_that_was_set_before_is_replaced_with_a_warning";
    let lines = in_own_process(name, &[], || {
        let exporter = opentelemetry_sdk::trace::InMemorySpanExporter::default();
        let before = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        global::set_tracer_provider(before);
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = support::start(endpoint.url());
        opentelemetry::trace::Tracer::in_span(&global::tracer("app"), "work", |_| ());
        telemetry.shutdown();
        assert_eq!(endpoint.spans(), ["work"]);
        // Neither the spans of the program nor a span of the set-up.
        assert_eq!(exporter.get_finished_spans().unwrap().len(), 0);
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["event.name"], "tracer_provider_replaced");
    assert_eq!(lines[0]["level"], "WARN");
}

#[test]
fn strict_mode_names_every_problem() {
    let variables = [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    for by_variable in [false, true] {
        let strict = [("OTEL_RUST_STRICT", if by_variable { "true" } else { "" })];
        let error = with_only(&[variables.as_slice(), &strict].concat(), || {
            let builder = otel_setup::builder().service_name("checkout");
            let builder = if by_variable {
                builder
            } else {
                builder.strict()
            };
            builder.build::<Registry>().unwrap_err()
        });
        assert!(error.is_invalid_variable(), "{error}");
        let error = error.to_string();
        assert_eq!(error.lines().count(), 2, "{error}");
        for name in [
            "OTEL_BSP_MAX_QUEUE_SIZE=\"many\"",
            "OTEL_TRACES_SAMPLER=\"sometimes\"",
        ] {
            assert!(error.contains(name), "{error}");
        }
    }
}

#[test]
fn build_returns_the_warnings_and_installs_nothing() {
    let name = "build_returns_the_warnings_and_installs_nothing";
    let variables = [("OTEL_BSP_SCHEDULE_DELAY", "5s")];
    let (lines, errors) = output_of_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = otel_setup::builder()
            .service_name("checkout")
            .otlp_endpoint(endpoint.url());
        let set_up = builder.build::<Registry>().unwrap();
        let warnings = set_up.warnings.take();
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].variable(), Some("OTEL_BSP_SCHEDULE_DELAY"));
        assert_eq!(warnings[0].event_name(), "invalid_variable");
        let expected = "OTEL_BSP_SCHEDULE_DELAY=\"5s\" cannot be used: use a number of milliseconds, more than 0; 5000 is used \
                        instead";
        assert_eq!(warnings[0].to_string(), expected);
        assert!(!tracing::dispatcher::has_been_set());
        assert_eq!(global::get_text_map_propagator(|it| it.fields().count()), 0);
        let tracer = global::tracer("app");
        opentelemetry::trace::Tracer::in_span(&tracer, "work", |context| {
            assert!(!context.span().span_context().is_valid());
        });
        drop(set_up);
        assert_eq!(endpoint.spans(), [""; 0]);
    });
    assert_eq!(lines.len(), 0);
    assert_eq!(errors, "");
}

#[test]
fn the_guard_prints_warnings_that_nobody_took() {
    let name = "the_guard_prints_warnings_that_nobody_took";
    let variables = [
        ("OTEL_BSP_SCHEDULE_DELAY", "5s"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let (_, errors) = output_of_own_process(name, &variables, || {
        let builder = otel_setup::builder().service_name("checkout");
        let set_up = builder.build::<Registry>().unwrap();
        // No subscriber is installed that could write a line.
        let telemetry = set_up.telemetry.install_globals();
        drop(telemetry);
    });
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(
        errors.contains("OTEL_BSP_SCHEDULE_DELAY=\"5s\""),
        "{errors}"
    );
}

#[test]
fn an_application_with_json_lines_of_its_own_gets_traces_by_three_lines() {
    let name = "an_application_with_json_lines_of_its_own_gets_traces_by_three_lines";
    let lines = in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = otel_setup::builder()
            .service_name("checkout")
            .otlp_endpoint(endpoint.url());

        let set_up = builder.build().unwrap();
        let fmt = tracing_subscriber::fmt().json().without_time().finish();
        fmt.with(set_up.span_layer).init();
        let telemetry = set_up.telemetry.install_globals();

        tracing::info_span!("work").in_scope(|| tracing::info!("a line"));
        assert_eq!(global::get_text_map_propagator(|it| it.fields().count()), 3);
        let counts = telemetry.shutdown().unwrap();
        assert_eq!((counts.exported, counts.waiting), (1, 0));
        assert_eq!(endpoint.spans(), ["work"]);
    });
    let of_app: Vec<_> = lines.iter().filter(|it| it["target"] == "start").collect();
    assert_eq!(of_app.len(), 1);
    assert_eq!(of_app[0]["fields"]["message"], "a line");
}

#[test]
fn nothing_is_exported_without_an_endpoint_if_the_program_says_so() {
    let name = "nothing_is_exported_without_an_endpoint_if_the_program_says_so";
    let lines = all_lines_in_own_process(name, &[], || {
        let builder = otel_setup::builder().service_name("checkout");
        let telemetry = builder.export_if_configured().init().unwrap();
        tracing::info_span!("work").in_scope(|| tracing::info!("a line"));
        assert!(telemetry.meter_provider().is_none());
        let counts = telemetry.shutdown().unwrap();
        assert_eq!((counts.exported, counts.lost, counts.waiting), (0, 0, 0));
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0]["traces"], "none");
    // The line has ids, so that one request is found in all services.
    assert!(lines[1]["trace_id"].is_string());
}

#[test]
fn an_endpoint_of_one_signal_exports_only_that_signal() {
    let name = "an_endpoint_of_one_signal_exports_only_that_signal";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let url = format!("{}/v1/traces", endpoint.url());
        let variable = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", Some(url))];
        let telemetry = temp_env::with_vars(variable, || {
            let builder = otel_setup::builder().service_name("checkout");
            builder.export_if_configured().init().unwrap()
        });
        tracing::info_span!("work").in_scope(|| ());
        assert!(telemetry.meter_provider().is_none());
        telemetry.shutdown();
        assert_eq!(endpoint.spans(), ["work"]);
        assert!(!Context::current().has_active_span());
    });
}

#[test]
fn a_warning_about_rust_log_names_the_filter_in_force() {
    let name = "a_warning_about_rust_log_names_the_filter_in_force";
    let variables = [
        ("RUST_LOG", "a=b=c"),
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_METRICS_EXPORTER", "none"),
    ];
    let lines = in_own_process(name, &variables, || {
        let builder = otel_setup::builder().service_name("checkout");
        drop(builder.override_filter("warn").init().unwrap());
    });
    let message = lines[0]["message"].as_str().unwrap();
    assert!(message.ends_with("; warn is used instead"), "{message}");
}

#[test]
fn a_subscriber_that_has_gone_swallows_no_warning() {
    let name = "a_subscriber_that_has_gone_swallows_no_warning";
    let variables = [("OTEL_PROPAGATORS", "unknown")];
    let (_, errors) = output_of_own_process(name, &variables, || {
        drop(tracing::subscriber::set_default(Registry::default()));
        let builder = otel_setup::builder().service_name("checkout");
        let set_up = builder.build::<Registry>().unwrap();
        drop(set_up.telemetry.install_globals());
    });
    assert!(
        errors.contains("WARN otel_setup: OTEL_PROPAGATORS"),
        "{errors}"
    );
}

#[test]
fn the_start_line_claims_nothing_about_lines_that_the_program_has_changed() {
    let name = "the_start_line_claims_nothing_about_lines_that_the_program_has_changed";
    for (case, expected) in [
        ("none", "as the program's own layers decide"),
        ("changed", "json to standard output, changed by the program"),
    ] {
        let variables = [
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
            ("CASE", case),
        ];
        let lines = all_lines_in_own_process(name, &variables, || {
            let builder = otel_setup::builder().service_name("checkout");
            let lines = tracing_subscriber::fmt::layer().json().flatten_event(true);
            let builder = if std::env::var("CASE").unwrap() == "none" {
                builder.without_log_lines().layer(lines)
            } else {
                builder.log(|layer| layer.location(true))
            };
            drop(builder.init().unwrap());
        });
        let started = lines.iter().find(|it| it["event.name"] == "started");
        assert_eq!(started.unwrap()["lines"], expected);
    }
}
