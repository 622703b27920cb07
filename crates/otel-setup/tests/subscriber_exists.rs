//! A program that has a subscriber calls `init`, and does what the error says.
#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use opentelemetry::trace::{TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, global};
use otel_setup::SetupError;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use self::support::own_process::in_own_process;
use self::support::{Endpoint, Mood};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Returns the text that [`otel_setup::init`] says next to a subscriber.
fn error_of_init() -> String {
    let error = otel_setup::init("my-service").unwrap_err();
    assert!(error.is_already_set_up(), "{error}");
    error.to_string()
}

#[test]
fn init_beside_a_subscriber_changes_nothing_and_says_what_to_write() {
    let name = "init_beside_a_subscriber_changes_nothing_and_says_what_to_write";
    let endpoint = Endpoint::start(Mood::Fine);
    let url = endpoint.url();
    // The warning about this value is dropped with the set-up.
    let variables = [
        (ENDPOINT, url.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "soon"),
    ];
    let output = in_own_process(name, &variables, || {
        let lines = fmt().json().without_time();
        lines.with_max_level(LevelFilter::WARN).init();
        let error = error_of_init();
        assert_eq!(LevelFilter::current(), LevelFilter::WARN);
        assert_eq!(log::max_level(), log::LevelFilter::Warn);
        let fields = global::get_text_map_propagator(|it| it.fields().count());
        assert_eq!(fields, 0, "no propagator is set");
        tracing::error_span!("work").in_scope(|| {
            assert!(!Context::current().has_active_span());
            tracing::error!("{error}");
            log::warn!("a record");
        });
        global::tracer("test").in_span("of the API", |context| {
            assert!(!context.span().span_context().is_valid());
        });
    });
    assert_eq!(output.stderr, "");
    let lines = output.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[1]["fields"]["message"], "a record");
    assert_eq!(endpoint.requests().len(), 0);
}

/// A `main` with the lines of the error.
fn my_main<S>(my_subscriber: S) -> Result<(), SetupError>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let set_up = otel_setup::builder().service_name("my-service").build()?;
    my_subscriber.with(set_up.span_layer).init();
    let _telemetry = set_up.telemetry.install_globals();

    tracing::info_span!("work").in_scope(|| {
        assert!(Context::current().has_active_span());
        tracing::info!("a line");
    });
    global::tracer("test").in_span("of the API", |_| ());
    Ok(())
}

#[test]
fn the_three_lines_of_the_error_give_traces() {
    let name = "the_three_lines_of_the_error_give_traces";
    let endpoint = Endpoint::start(Mood::Fine);
    let url = endpoint.url();
    let output = in_own_process(name, &[(ENDPOINT, &url)], || {
        my_main(fmt().json().without_time().finish()).unwrap();
        let error = error_of_init();
        let in_this_file = |line: &&str| include_str!("subscriber_exists.rs").contains(*line);
        let code = error.lines().filter(|line| line.starts_with("    "));
        let code: Vec<_> = code.map(str::trim).collect();
        assert_eq!(code.len(), 3, "{error}");
        assert_eq!(
            code.iter().filter(|line| in_this_file(line)).count(),
            3,
            "{error}"
        );
    });
    assert_eq!(endpoint.spans(), ["work", "of the API"]);
    let lines = output.lines().into_iter();
    let lines: Vec<_> = lines.filter(|it| it["target"] != "otel_setup").collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["fields"]["message"], "a line");
}

#[test]
fn a_second_init_in_a_test_returns_the_error_and_breaks_nothing() {
    let name = "a_second_init_in_a_test_returns_the_error_and_breaks_nothing";
    let endpoint = Endpoint::start(Mood::Fine);
    let url = endpoint.url();
    in_own_process(name, &[(ENDPOINT, &url)], || {
        let first = otel_setup::init("my-service").unwrap();
        for _ in 0..3 {
            error_of_init();
            tracing::info_span!("work").in_scope(|| ());
        }
        let counts = first.shutdown().unwrap();
        assert_eq!((counts.exported, counts.waiting), (3, 0), "{counts:?}");
    });
    assert_eq!(endpoint.spans(), ["work"; 3]);
}
