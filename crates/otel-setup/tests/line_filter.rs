//! Which log lines are written: `RUST_LOG`, filters of the program, and a change at run time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot continue has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use opentelemetry_sdk::trace::InMemorySpanExporter;
use otel_setup::{Builder, Exporter, Telemetry};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use self::support::own_process::in_own_process;
use self::support::span_layer::{self, with_span_layer};

/// The row of a table that a process is for.
const ROW: &str = "OTEL_SETUP_TEST_ROW";

/// A set-up that exports nothing.
fn quiet() -> Builder {
    let builder = otel_setup::builder().service_name("shop");
    let builder = builder.traces_exporter(Exporter::None);
    with_span_layer(builder.metrics_exporter(Exporter::None))
}

/// Changes the filter, and writes the same lines each time.
fn set(telemetry: &Telemetry, directives: &str) {
    telemetry.filter_handle().set(directives).unwrap();
    assert_eq!(telemetry.filter_handle().current(), directives);
    say(directives);
}

fn say(step: &str) {
    tracing::trace!(target: "shop::cart", "{step}: trace");
    tracing::debug!(target: "shop::cart", "{step}: debug");
    tracing::info!(target: "shop::cart", "{step}: info");
    tracing::debug!(target: "bank::pay", "{step}: other debug");
}

/// Events below this level cost next to nothing, unless the layer of tracing-opentelemetry has to look at them.
fn assert_level(level: LevelFilter) {
    if !span_layer::is_tracing_opentelemetry() {
        assert_eq!(LevelFilter::current(), level);
    }
}

#[test]
fn a_debug_line_is_switched_on_and_off_at_run_time() {
    let name = "a_debug_line_is_switched_on_and_off_at_run_time";
    let output = in_own_process(name, &[], || {
        let telemetry = quiet().init().unwrap();
        assert_eq!(telemetry.filter_handle().current(), "info");
        assert_level(LevelFilter::INFO);
        say("start");
        set(&telemetry, "debug");
        assert_level(LevelFilter::DEBUG);
        // Met for the first time.
        tracing::debug!(target: "shop::till", "new");
        set(&telemetry, "info");
        assert_level(LevelFilter::INFO);
        set(&telemetry, "off,shop=trace");
        assert_level(LevelFilter::TRACE);
        set(&telemetry, "info,bank=debug");
    });
    let expected = [
        "start: info",
        "debug: debug",
        "debug: info",
        "debug: other debug",
        "new",
        "info: info",
        "off,shop=trace: trace",
        "off,shop=trace: debug",
        "off,shop=trace: info",
        "info,bank=debug: info",
        "info,bank=debug: other debug",
    ];
    assert_eq!(output.messages(), expected);
}

#[test]
fn a_change_reaches_threads_that_have_logged_before() {
    let name = "a_change_reaches_threads_that_have_logged_before";
    let output = in_own_process(name, &[("RUST_LOG", "warn")], || {
        let telemetry = quiet().init().unwrap();
        let (steps, received) = mpsc::channel::<&str>();
        let (done, finished) = mpsc::channel();
        let thread = thread::spawn(move || {
            for step in received {
                tracing::info_span!("work").in_scope(|| say(step));
                done.send(()).unwrap();
            }
        });
        for step in ["warn", "info", "off"] {
            telemetry.filter_handle().set(step).unwrap();
            steps.send(step).unwrap();
            finished.recv().unwrap();
        }
        drop(steps);
        thread.join().unwrap();
    });
    assert_eq!(output.messages(), ["info: info"]);
}

#[test]
fn changes_at_the_same_time_end_in_one_state() {
    let name = "changes_at_the_same_time_end_in_one_state";
    let output = in_own_process(name, &[("RUST_LOG", "off")], || {
        let telemetry = quiet().init().unwrap();
        thread::scope(|scope| {
            for directives in ["off", "off,shop=debug", "off,bank=debug"] {
                let handle = telemetry.filter_handle();
                scope.spawn(move || {
                    for _ in 0..200 {
                        handle.set(directives).unwrap();
                        handle.set("off").unwrap();
                    }
                });
            }
        });
        say("off");
        set(&telemetry, "off,bank=debug");
        assert_level(LevelFilter::DEBUG);
    });
    assert_eq!(output.messages(), ["off,bank=debug: other debug"]);
}

#[test]
fn a_layer_of_the_program_sees_lines_that_are_not_written() {
    struct Counter(Arc<AtomicU64>);

    impl<S: tracing::Subscriber> Layer<S> for Counter {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            if event.metadata().target() == "shop::cart" {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    let name = "a_layer_of_the_program_sees_lines_that_are_not_written";
    let output = in_own_process(name, &[], || {
        let count = Arc::<AtomicU64>::default();
        let telemetry = quiet().layer(Counter(Arc::clone(&count))).init().unwrap();
        say("start");
        set(&telemetry, "warn,bank=debug");
        set(&telemetry, "info");
        assert_eq!(count.load(Ordering::Relaxed), 9);
    });
    let expected = ["start: info", "warn,bank=debug: other debug", "info: info"];
    assert_eq!(output.messages(), expected);
}

#[test]
fn records_of_the_log_crate_follow_a_change_at_run_time() {
    let name = "records_of_the_log_crate_follow_a_change_at_run_time";
    let output = in_own_process(name, &[], || {
        let telemetry = quiet().init().unwrap();
        for step in ["info", "debug", "info,sqlx=trace", "info"] {
            telemetry.filter_handle().set(step).unwrap();
            log::debug!(target: "hyper::proto", "{step}: hyper");
            log::trace!(target: "sqlx::query", "{step}: sqlx");
            log::info!(target: "sqlx::query", "{step}: connected");
        }
    });
    let expected = [
        "info: connected",
        "debug: hyper",
        "debug: connected",
        "info,sqlx=trace: sqlx",
        "info,sqlx=trace: connected",
        "info: connected",
    ];
    assert_eq!(output.messages(), expected);
}

#[test]
fn a_logger_of_the_application_keeps_its_level() {
    struct Silent;

    impl log::Log for Silent {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, _: &log::Record<'_>) {}
        fn flush(&self) {}
    }

    let name = "a_logger_of_the_application_keeps_its_level";
    in_own_process(name, &[], || {
        log::set_logger(&Silent).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
        let telemetry = quiet().init().unwrap();
        set(&telemetry, "debug");
        assert_eq!(log::max_level(), log::LevelFilter::Warn);
    });
}

#[test]
fn a_change_of_the_lines_leaves_spans_as_they_were() {
    let name = "a_change_of_the_lines_leaves_spans_as_they_were";
    in_own_process(name, &[], || {
        let exporter = InMemorySpanExporter::default();
        let telemetry = quiet().span_exporter(exporter.clone()).init().unwrap();
        for step in ["off", "trace", "error", "shop=debug"] {
            telemetry.filter_handle().set(step).unwrap();
            let outer = tracing::info_span!("outer", step).entered();
            tracing::debug_span!("detail")
                .in_scope(|| tracing::info_span!("inner").in_scope(|| ()));
            drop(outer);
        }
        telemetry.tracer_provider().unwrap().force_flush().unwrap();
        let spans = exporter.get_finished_spans().unwrap();
        let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
        assert_eq!(names, ["inner", "outer"].repeat(4));
        for pair in spans.chunks(2) {
            assert_eq!(pair[0].parent_span_id, pair[1].span_context.span_id());
        }
    });
}

#[test]
fn directives_that_cannot_be_used_change_nothing() {
    let name = "directives_that_cannot_be_used_change_nothing";
    let output = in_own_process(name, &[], || {
        let handle = quiet().init().unwrap().filter_handle();
        handle.set("warn").unwrap();
        for directives in ["shop=loud", "", " ", ",", "warn,shop=debug=info", "=info"] {
            let error = handle.set(directives).unwrap_err();
            assert!(error.is_invalid() && !error.is_span_directive(), "{error}");
            let text = error.to_string();
            assert!(text.starts_with(&format!("{directives:?} ")), "{text}");
            assert!(text.contains("warn,my_crate=debug"), "{text}");
        }
        for directives in ["[request]=debug", "info,shop[request{id=7}]=debug"] {
            let error = handle.set(directives).unwrap_err();
            assert!(error.is_span_directive() && !error.is_invalid(), "{error}");
            let text = error.to_string();
            assert!(text.contains("RUST_LOG=info,[none]=off"), "{text}");
        }
        assert_eq!(handle.current(), "warn");
        say("unchanged");
        tracing::warn!("unchanged: warn");
    });
    assert_eq!(output.messages(), ["unchanged: warn"]);
}

#[test]
fn lines_of_one_request_are_switched_on_at_run_time() {
    let name = "lines_of_one_request_are_switched_on_at_run_time";
    let variables = [("RUST_LOG", "info,[none]=off")];
    let output = in_own_process(name, &variables, || {
        let telemetry = quiet().init().unwrap();
        let requests = |step: &str| {
            for id in [6, 7] {
                let request = tracing::info_span!("request", id);
                request.in_scope(|| tracing::debug!("{step}: {id}"));
            }
        };
        requests("start");
        let handle = telemetry.filter_handle();
        handle.set("info,[request{id=7}]=debug").unwrap();
        requests("one");
        // A span that was opened before the change stays as it was.
        let open = tracing::info_span!("request", id = 7).entered();
        handle.set("info").unwrap();
        tracing::debug!("open");
        drop(open);
        requests("none");
        handle.set("info,[request{id=6}]=debug").unwrap();
        requests("other");
    });
    assert_eq!(output.messages(), ["one: 7", "other: 6"]);
}

#[test]
#[cfg(feature = "logs")]
fn lines_and_log_records_follow_one_filter() {
    use opentelemetry::logs::AnyValue;
    use opentelemetry_sdk::logs::{InMemoryLogExporter, SdkLoggerProvider};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;

    let name = "lines_and_log_records_follow_one_filter";
    let output = in_own_process(name, &[], || {
        let set_up = quiet().build().unwrap();
        let exporter = InMemoryLogExporter::default();
        let provider = SdkLoggerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        let records = otel_log::record_layer(opentelemetry::logs::LoggerProvider::logger(
            &provider, "shop",
        ));
        tracing_subscriber::registry()
            .with(set_up.span_layer)
            .with(set_up.log_layer.with_filter(set_up.log_filter.clone()))
            .with(records.with_filter(set_up.log_filter))
            .init();
        let telemetry = set_up.telemetry.install_globals();
        say("start");
        set(&telemetry, "warn,shop=debug");
        set(&telemetry, "warn");
        let logs = exporter.get_emitted_logs().unwrap();
        let bodies = logs.iter().filter_map(|log| match log.record.body() {
            Some(AnyValue::String(text)) if text.as_str().contains(": ") => Some(text.to_string()),
            _ => None,
        });
        let expected = [
            "start: info",
            "warn,shop=debug: debug",
            "warn,shop=debug: info",
        ];
        assert_eq!(bodies.collect::<Vec<_>>(), expected);
    });
    let expected = [
        "start: info",
        "warn,shop=debug: debug",
        "warn,shop=debug: info",
    ];
    assert_eq!(output.messages(), expected);
}

/// Writes lines of telemetry's own crates, and of crates with similar names.
fn say_as_crates() {
    macro_rules! say {
        ($($target:literal)+) => {$(
            tracing::error!(target: $target, concat!($target, ": error"));
            tracing::info!(target: $target, concat!($target, ": info"));
            tracing::debug!(target: $target, concat!($target, ": debug"));
        )+};
    }
    say!("opentelemetry_shop::cart" "opentelemetry_sdk::trace" "opentelemetry-otlp" "opentelemetry" "otel_setup" "otel_setup_demo");
}

#[test]
fn lines_of_opentelemetry_shop_are_written_like_any_others() {
    let name = "lines_of_opentelemetry_shop_are_written_like_any_others";
    let output = in_own_process(name, &[], || {
        let telemetry = quiet().init().unwrap();
        say_as_crates();
        log::info!(target: "opentelemetry_shop", "by log");
        log::info!(target: "opentelemetry_sdk", "hidden");
        telemetry.filter_handle().set("debug").unwrap();
        tracing::debug!(target: "opentelemetry_shop", "changed");
        tracing::error!(target: "opentelemetry_sdk", "hidden");
    });
    let messages: Vec<_> = output.messages();
    let expected = [
        "opentelemetry_shop::cart: error",
        "opentelemetry_shop::cart: info",
        "otel_setup_demo: error",
        "otel_setup_demo: info",
        "by log",
        "changed",
    ];
    assert_eq!(messages, expected);
}

/// Returns which of error, info and debug are written for OpenTelemetry's crates, this crate, and `opentelemetry_shop`.
fn levels(name: &str, variables: &[(&str, &str)], make: impl FnOnce() -> Builder) -> [String; 3] {
    let output = in_own_process(name, variables, || {
        let _telemetry = make().init().unwrap();
        say_as_crates();
    });
    let lines = output.lines();
    let of = |target: &str| {
        let lines = lines.iter().filter(|line| line["target"] == target);
        let texts = lines.filter_map(|line| line["message"].as_str()?.split_once(": "));
        texts
            .filter(|(crate_name, _)| *crate_name == target)
            .map(|(_, level)| &level[..1])
            .collect::<String>()
    };
    assert_eq!(of("opentelemetry_sdk::trace"), of("opentelemetry-otlp"));
    [
        of("opentelemetry-otlp"),
        of("otel_setup"),
        of("opentelemetry_shop::cart"),
    ]
}

#[test]
fn telemetry_itself_has_a_level_of_its_own() {
    let name = "telemetry_itself_has_a_level_of_its_own";
    // Errors, INFO and DEBUG of OpenTelemetry's crates, of this crate, and of an application's crate.
    let table = [
        ("", "", ["", "ei", "ei"]),
        ("", "debug", ["eid", "eid", "ei"]),
        ("", "error", ["e", "e", "ei"]),
        ("", "none", ["", "", "ei"]),
        ("debug", "", ["eid", "eid", "eid"]),
        ("warn", "", ["e", "e", "e"]),
        ("warn", "debug", ["eid", "eid", "e"]),
        ("off", "info", ["ei", "ei", ""]),
        ("debug", "none", ["", "", "eid"]),
        ("info,otel_setup=debug", "off", ["", "eid", "ei"]),
        ("warn,opentelemetry=debug", "off", ["eid", "", "eid"]),
        (
            "warn,opentelemetry_sdk=info,opentelemetry-otlp=info",
            "none",
            ["ei", "", "e"],
        ),
        ("warn,opentelemetry_shop=debug", "off", ["", "", "eid"]),
        ("opentelemetry_shop=debug", "", ["", "", "eid"]),
    ];
    for (rust_log, own, expected) in table {
        let variables = [("RUST_LOG", rust_log), ("OTEL_LOG_LEVEL", own)];
        let written = levels(name, &variables, quiet);
        assert_eq!(
            written, expected,
            "RUST_LOG={rust_log} OTEL_LOG_LEVEL={own}"
        );
    }
}

#[test]
fn a_default_filter_applies_only_without_rust_log() {
    let name = "a_default_filter_applies_only_without_rust_log";
    let make = || quiet().default_filter("shop=debug");
    for (rust_log, expected) in [
        ("", vec!["start: debug", "start: info"]),
        ("info", vec!["start: info"]),
        ("bank=debug", vec!["start: other debug"]),
        ("off", vec![]),
    ] {
        let output = in_own_process(name, &[("RUST_LOG", rust_log)], || {
            let telemetry = make().init().unwrap();
            say("start");
            drop(telemetry);
        });
        assert_eq!(output.messages(), expected, "{rust_log}");
        // Reports of lost spans are not lost because of a default.
        let has_reports = output
            .lines()
            .iter()
            .any(|line| line["target"] == "otel_setup");
        assert_eq!(has_reports, matches!(rust_log, "" | "info"), "{rust_log}");
    }
}

#[test]
fn a_default_filter_leaves_telemetry_itself_quiet() {
    let name = "a_default_filter_leaves_telemetry_itself_quiet";
    for (row, directives, expected) in [
        ("0", "debug", ["", "eid", "eid"]),
        ("1", "warn", ["", "e", "e"]),
        ("2", "off", ["", "", ""]),
        // Reports of lost spans are written unless a directive is about them.
        ("3", "opentelemetry_shop=debug", ["", "ei", "eid"]),
        ("4", "shop=debug,[none]=off", ["", "ei", ""]),
        ("5", "shop=debug,otel_setup=off", ["", "", ""]),
        (
            "6",
            "warn,opentelemetry-otlp=info,opentelemetry_sdk=info",
            ["ei", "e", "e"],
        ),
    ] {
        if env::var(ROW).is_ok_and(|it| it != row) {
            continue;
        }
        let make = || quiet().default_filter(directives);
        assert_eq!(levels(name, &[(ROW, row)], make), expected, "{directives}");
    }
}

#[test]
fn a_filter_of_the_program_wins_over_rust_log() {
    let name = "a_filter_of_the_program_wins_over_rust_log";
    let output = in_own_process(name, &[("RUST_LOG", "off")], || {
        let telemetry = quiet().override_filter("warn,bank=debug").init().unwrap();
        assert_eq!(telemetry.filter_handle().current(), "warn,bank=debug");
        say("start");
    });
    assert_eq!(output.messages(), ["start: other debug"]);
}

#[test]
fn spaces_between_directives_do_not_matter() {
    let name = "spaces_between_directives_do_not_matter";
    let variables = [("RUST_LOG", " warn, shop=debug ,")];
    let output = in_own_process(name, &variables, || {
        let _telemetry = quiet().init().unwrap();
        say("start");
    });
    assert_eq!(output.messages(), ["start: debug", "start: info"]);
}
