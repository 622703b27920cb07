//! Programs keep their lines unchanged when they get traces.
//!
//! Each test runs a program three times: without otel-setup, with it, and with `OTEL_SDK_DISABLED`. The lines of the application are
//! the same bytes on the same stream each time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot continue has failed"
)]

#[path = "support/program.rs"]
mod program;
#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::env;
use std::fs::File;
use std::io::{self, Write as _};

use otel_setup::{Builder, LogFormat, SetUp};
use serde_json::Value;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{EnvFilter, Targets, filter_fn};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, fmt, prelude::*, reload};

use self::program::{LOG_FILE, VERSION, check, work};
use self::support::span_layer::with_span_layer;

/// The filter of four of five axum programs.
const AXUM_FILTER: &str = "shop=debug,tower_http=debug,axum::rejection=trace";

fn builder() -> Builder {
    with_span_layer(otel_setup::builder().service_name("shop"))
}

fn build<S>() -> SetUp<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    builder().build().unwrap()
}

/// Returns a layer that writes text.
fn text<S>(filter: impl Filter<S> + Send + Sync + 'static) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fmt::layer().without_time().with_filter(filter)
}

fn log_file() -> File {
    let path = env::var(LOG_FILE).unwrap();
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .unwrap()
}

#[test]
fn fmt_json_gets_traces_by_three_lines() {
    let name = "fmt_json_gets_traces_by_three_lines";
    let (lines, own) = check(name, &[], 1, |is_traced| {
        let subscriber = fmt().json().without_time();
        if !is_traced {
            subscriber.init();
            work();
            return None;
        }
        let set_up = build();
        subscriber.finish().with(set_up.span_layer).init();
        let telemetry = set_up.telemetry.install_globals();
        work();
        Some(telemetry)
    });
    assert_eq!(lines.stdout.len(), 5, "{lines:?}");
    let slow = r#""span":{"currency":"EUR","name":"pay"}"#;
    assert!(lines.stdout[2].contains(slow), "{lines:?}");
    assert_eq!(own.len(), 1, "{own:?}");
    let start: Value = serde_json::from_str(&own[0]).unwrap();
    assert_eq!(start["fields"]["event.name"], "started");
    assert_eq!(
        start["fields"]["lines"],
        "as the program's own layers decide"
    );
}

#[test]
fn text_for_people_keeps_its_colors() {
    let name = "text_for_people_keeps_its_colors";
    let (lines, own) = check(name, &[], 1, |is_traced| {
        if !is_traced {
            fmt().without_time().with_ansi(true).init();
            work();
            return None;
        }
        let lines = fmt::layer().without_time().with_ansi(true);
        let lines = lines.with_filter(LevelFilter::INFO);
        let telemetry = builder().without_log_lines().layer(lines).init().unwrap();
        work();
        Some(telemetry)
    });
    assert_eq!(lines.stdout.len(), 5, "{lines:?}");
    assert!(lines.stdout[0].contains('\u{1b}'), "{lines:?}");
    assert_eq!(own.len(), 1, "{own:?}");
}

#[test]
fn lines_on_standard_error_stay_there() {
    let name = "lines_on_standard_error_stay_there";
    let (lines, own) = check(name, &[], 1, |is_traced| {
        let subscriber = fmt().compact().without_time().with_writer(io::stderr);
        if !is_traced {
            subscriber.init();
            work();
            return None;
        }
        let set_up = build();
        subscriber.finish().with(set_up.span_layer).init();
        let telemetry = set_up.telemetry.install_globals();
        work();
        Some(telemetry)
    });
    assert_eq!((lines.stdout.len(), lines.stderr.len()), (0, 5));
    assert_eq!(own.len(), 1, "{own:?}");
}

/// As four of five axum examples do.
fn axum_filter() -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| AXUM_FILTER.into())
}

#[test]
fn a_default_filter_in_code_keeps_each_line() {
    let name = "a_default_filter_in_code_keeps_each_line";
    // The filter of the variable hides the lines in which the spans are, but not the spans.
    for (rust_log, count) in [("", 6), ("warn", 2), ("shop::db=info", 1), ("off", 0)] {
        let variables = [("RUST_LOG", rust_log)];
        let variables: &[_] = if rust_log.is_empty() { &[] } else { &variables };
        if env::var("RUST_LOG").unwrap_or_default() != rust_log && env::var(VERSION).is_ok() {
            continue;
        }
        let (lines, own) = check(name, variables, 1, |is_traced| {
            if !is_traced {
                let registry = tracing_subscriber::registry().with(axum_filter());
                registry.with(fmt::layer().without_time()).init();
                work();
                return None;
            }
            let set_up = build();
            let subscriber = tracing_subscriber::registry().with(text(axum_filter()));
            subscriber.with(set_up.span_layer).init();
            let telemetry = set_up.telemetry.install_globals();
            work();
            Some(telemetry)
        });
        assert_eq!(lines.stdout.len(), count, "{rust_log}: {lines:?}");
        assert_eq!(own, [""; 0], "the filter hides them");
    }
}

#[test]
fn a_level_from_a_flag_or_a_settings_file_keeps_each_line() {
    let name = "a_level_from_a_flag_or_a_settings_file_keeps_each_line";
    let set_up = |is_traced: bool, level: LevelFilter| {
        let subscriber = fmt().without_time().with_writer(io::stderr);
        if !is_traced {
            subscriber.with_max_level(level).init();
            return None;
        }
        // `with_max_level` would hide spans too.
        let lines = fmt::layer().without_time().with_writer(io::stderr);
        let builder = builder().without_log_lines();
        Some(builder.layer(lines.with_filter(level)).init().unwrap())
    };
    for (settings, count) in [("log_level = \"warn\"", 2), ("log_level = \"error\"", 1)] {
        let variables = [("SETTINGS", settings)];
        if env::var("SETTINGS").is_ok_and(|it| it != settings) {
            continue;
        }
        let (lines, own) = check(name, &variables, 1, |is_traced| {
            let settings = env::var("SETTINGS").unwrap();
            let (_, level) = settings.split_once(" = ").unwrap();
            let telemetry = set_up(is_traced, level.trim_matches('"').parse().unwrap());
            work();
            telemetry
        });
        assert_eq!(lines.stderr.len(), count, "{lines:?}");
        assert_eq!(own, [""; 0], "the level hides them");
    }
}

#[test]
fn a_verbose_flag_keeps_each_line_of_the_application() {
    let name = "a_verbose_flag_keeps_each_line_of_the_application";
    let is_verbose = true;
    let (lines, own) = check(name, &[], 1, |is_traced| {
        let level = if is_verbose { "debug" } else { "info" };
        let lines = fmt::layer().without_time().with_writer(io::stderr);
        if !is_traced {
            let lines = lines.with_filter(EnvFilter::new(level));
            tracing_subscriber::registry().with(lines).init();
            work();
            return None;
        }
        // The exporter's HTTP client logs too.
        let filter = EnvFilter::new(format!("{level},reqwest=info,hyper_util=info"));
        let builder = builder().without_log_lines();
        let telemetry = builder.layer(lines.with_filter(filter)).init().unwrap();
        work();
        Some(telemetry)
    });
    assert_eq!(lines.stderr.len(), 8, "{lines:?}");
    assert_eq!(own.len(), 1, "{own:?}");
}

/// Returns a layer that writes JSON into the log file.
fn json_file<S>() -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let lines = fmt::layer().json().without_time();
    let lines = lines.with_span_events(FmtSpan::NEW).with_writer(log_file);
    lines.with_filter(Targets::new().with_target("shop", Level::DEBUG))
}

#[test]
fn a_second_log_file_keeps_each_line() {
    let name = "a_second_log_file_keeps_each_line";
    let (lines, own) = check(name, &[], 1, |is_traced| {
        if !is_traced {
            let registry = tracing_subscriber::registry().with(text(LevelFilter::WARN));
            registry.with(json_file()).init();
            work();
            return None;
        }
        let builder = builder().without_log_lines();
        let telemetry = builder.layer(text(LevelFilter::WARN)).layer(json_file());
        let telemetry = telemetry.init().unwrap();
        work();
        Some(telemetry)
    });
    assert_eq!((lines.stdout.len(), lines.file.len()), (2, 7), "{lines:?}");
    assert_eq!(own, [""; 0], "both filters hide them");
}

#[test]
fn a_vec_of_layers_keeps_each_line() {
    let name = "a_vec_of_layers_keeps_each_line";
    let (lines, _) = check(name, &[], 1, |is_traced| {
        let layers = || {
            vec![
                fmt::layer()
                    .without_time()
                    .with_filter(LevelFilter::WARN)
                    .boxed(),
                fmt::layer().without_time().with_writer(log_file).boxed(),
                None::<fmt::Layer<Registry>>.boxed(),
                fmt::layer()
                    .without_time()
                    .with_writer(io::stderr)
                    .with_filter(filter_fn(|it| it.target() == "shop::db"))
                    .boxed(),
            ]
        };
        if !is_traced {
            tracing_subscriber::registry().with(layers()).init();
            work();
            return None;
        }
        let telemetry = builder()
            .without_log_lines()
            .layer(layers())
            .init()
            .unwrap();
        work();
        Some(telemetry)
    });
    assert_eq!(
        (lines.stdout.len(), lines.stderr.len()),
        (2, 1),
        "{lines:?}"
    );
}

#[test]
fn a_reloaded_filter_keeps_each_line() {
    let name = "a_reloaded_filter_keeps_each_line";
    let (lines, own) = check(name, &[], 3, |is_traced| {
        let (filter, handle) = reload::Layer::new(EnvFilter::new("error"));
        let subscriber = tracing_subscriber::registry().with(text(filter));
        let telemetry = if is_traced {
            let set_up = build();
            subscriber.with(set_up.span_layer).init();
            Some(set_up.telemetry.install_globals())
        } else {
            subscriber.init();
            None
        };
        work();
        handle.reload(EnvFilter::new("shop=debug")).unwrap();
        work();
        handle
            .modify(|filter| *filter = EnvFilter::new("off"))
            .unwrap();
        work();
        telemetry
    });
    assert_eq!(lines.stdout.len(), 1 + 4, "{lines:?}");
    assert_eq!(own, [""; 0], "the first filter hides them");
}

#[test]
fn a_reloaded_filter_in_an_added_layer_keeps_each_line() {
    let name = "a_reloaded_filter_in_an_added_layer_keeps_each_line";
    let (lines, _) = check(name, &[], 2, |is_traced| {
        let (filter, handle) = reload::Layer::new(LevelFilter::OFF);
        let telemetry = if is_traced {
            let builder = builder().without_log_lines();
            Some(builder.layer(text(filter)).init().unwrap())
        } else {
            tracing_subscriber::registry().with(text(filter)).init();
            None
        };
        work();
        handle.reload(LevelFilter::INFO).unwrap();
        work();
        telemetry
    });
    assert_eq!(lines.stdout.len(), 5, "{lines:?}");
}

#[test]
fn sentry_gets_the_same_events() {
    let name = "sentry_gets_the_same_events";
    let (lines, _) = check(name, &[], 1, |is_traced| {
        let mut telemetry = None;
        let options = sentry_core::ClientOptions {
            traces_sample_rate: 1.0,
            ..Default::default()
        };
        let run = || {
            if is_traced {
                let builder = builder().without_log_lines();
                let builder = builder.layer(sentry_tracing::layer());
                let builder = builder.layer(text(LevelFilter::INFO));
                telemetry = Some(builder.init().unwrap());
            } else {
                let registry = tracing_subscriber::registry().with(sentry_tracing::layer());
                registry.with(text(LevelFilter::INFO)).init();
            }
            work();
        };
        let envelopes = sentry_core::test::with_captured_envelopes_options(run, options);
        let mut file = log_file();
        for item in envelopes.iter().flat_map(|it| it.items()) {
            match item {
                sentry_core::protocol::EnvelopeItem::Event(event) => {
                    writeln!(file, "event {:?} {:?}", event.level, event.message).unwrap();
                }
                sentry_core::protocol::EnvelopeItem::Transaction(transaction) => {
                    let spans = transaction.spans.len();
                    writeln!(file, "transaction {:?} {spans}", transaction.name).unwrap();
                }
                other => writeln!(file, "{other:?}").unwrap(),
            }
        }
        telemetry
    });
    assert_eq!(lines.stdout.len(), 5, "{lines:?}");
    assert_eq!(lines.file.len(), 2, "{lines:?}");
}

#[test]
fn tracing_error_shows_the_same_spans() {
    let name = "tracing_error_shows_the_same_spans";
    let (lines, _) = check(name, &[], 1, |is_traced| {
        let telemetry = if is_traced {
            let builder = builder().without_log_lines();
            let builder = builder.layer(tracing_error::ErrorLayer::default());
            Some(builder.layer(text(LevelFilter::WARN)).init().unwrap())
        } else {
            let registry = tracing_subscriber::registry();
            let registry = registry.with(tracing_error::ErrorLayer::default());
            registry.with(text(LevelFilter::WARN)).init();
            None
        };
        work();
        let span = tracing::info_span!(target: "shop", parent: None, "import", file = "a.csv");
        let trace = {
            let _entered = tracing::debug_span!(target: "shop", parent: &span, "row").entered();
            tracing_error::SpanTrace::capture()
        };
        writeln!(io::stderr(), "{trace}").unwrap();
        // It would be one more span.
        std::mem::forget(span);
        telemetry
    });
    assert!(lines.stderr.join(" ").contains("shop::import"), "{lines:?}");
}

#[test]
fn a_logger_of_the_log_crate_keeps_its_records() {
    struct Logger;

    impl log::Log for Logger {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            if record.target().starts_with("legacy") {
                let line = format!("{} {}", record.level(), record.args());
                writeln!(io::stderr(), "{line}").unwrap();
            }
        }

        fn flush(&self) {}
    }

    let name = "a_logger_of_the_log_crate_keeps_its_records";
    let (lines, _) = check(name, &[], 1, |is_traced| {
        log::set_logger(&Logger).unwrap();
        log::set_max_level(log::LevelFilter::Debug);
        let telemetry = is_traced.then(|| builder().without_log_lines().init().unwrap());
        work();
        telemetry
    });
    assert_eq!(
        lines.stderr,
        ["INFO a record of the log crate", "DEBUG a detail"]
    );
    assert_eq!(lines.stdout, [""; 0]);
}

#[test]
fn records_of_the_log_crate_are_written_once() {
    let name = "records_of_the_log_crate_are_written_once";
    let (lines, _) = check(name, &[], 1, |is_traced| {
        // As programs do whose tracing-subscriber is built without `tracing-log`.
        tracing_log::LogTracer::init().unwrap();
        let subscriber = tracing_subscriber::registry().with(text(LevelFilter::INFO));
        let telemetry = if is_traced {
            let set_up = build();
            let subscriber = subscriber.with(set_up.span_layer);
            tracing::subscriber::set_global_default(subscriber).unwrap();
            Some(set_up.telemetry.install_globals())
        } else {
            tracing::subscriber::set_global_default(subscriber).unwrap();
            None
        };
        work();
        telemetry
    });
    let records = lines.stdout.iter().filter(|it| it.contains("a record"));
    assert_eq!(records.count(), 1, "{lines:?}");
}

#[test]
fn a_program_without_a_subscriber_stays_silent() {
    let name = "a_program_without_a_subscriber_stays_silent";
    let (lines, own) = check(name, &[], 1, |is_traced| {
        let telemetry = is_traced.then(|| builder().without_log_lines().init().unwrap());
        work();
        telemetry
    });
    assert_eq!(
        (lines.stdout.len(), lines.stderr.len()),
        (0, 0),
        "{lines:?}"
    );
    assert_eq!(own, [""; 0]);
}

#[test]
fn a_subscriber_of_a_scope_keeps_its_lines() {
    let name = "a_subscriber_of_a_scope_keeps_its_lines";
    let (lines, _) = check(name, &[], 1, |is_traced| {
        let scoped = fmt().without_time().with_writer(log_file).finish();
        if !is_traced {
            tracing::subscriber::with_default(scoped, || tracing::info!("start"));
            fmt().without_time().init();
            work();
            return None;
        }
        let builder = builder().without_log_lines().layer(text(LevelFilter::INFO));
        let telemetry = tracing::subscriber::with_default(scoped, || {
            tracing::info!("start");
            builder.init().unwrap()
        });
        work();
        Some(telemetry)
    });
    assert_eq!((lines.stdout.len(), lines.file.len()), (5, 1), "{lines:?}");
}

#[test]
fn lines_of_otel_log_stay_the_same() {
    let name = "lines_of_otel_log_stay_the_same";
    let (lines, own) = check(name, &[("RUST_LOG", "shop=debug")], 1, |is_traced| {
        let cut = otel_log::Format::opentelemetry()
            .without(otel_log::Key::Timestamp)
            .without(otel_log::Key::TraceId)
            .without(otel_log::Key::SpanId)
            .without(otel_log::Key::TraceFlags);
        if !is_traced {
            let lines = otel_log::layer().format(cut).expect_ids(false);
            let lines = lines.writer(io::stderr);
            let lines = lines.with_filter(EnvFilter::from_default_env());
            tracing_subscriber::registry().with(lines).init();
            work();
            return None;
        }
        let builder = builder()
            .log_format(LogFormat::Json)
            .log_to_stderr()
            .log(|layer| layer.format(cut));
        let telemetry = builder.init().unwrap();
        work();
        Some(telemetry)
    });
    assert_eq!(lines.stderr.len(), 4, "{lines:?}");
    assert_eq!(own, [""; 0], "the filter hides them");
}
