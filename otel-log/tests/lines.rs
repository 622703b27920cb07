//! What stands in a line.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::{
    cell::Cell,
    collections::BTreeMap,
    error::Error,
    fmt,
    io::{self, Write},
};

use common::{Capture, log_layer, parse};
use serde_json::{Map, Value, json};
use tracing::{debug, error, field, info, info_span, subscriber::with_default, trace, warn};
use tracing_subscriber::{
    Layer as _, Registry,
    filter::LevelFilter,
    fmt::{MakeWriter, writer::MakeWriterExt as _},
    layer::SubscriberExt as _,
    registry, reload,
};

/// Runs `f` with only the log layer.
fn logged(f: impl FnOnce()) -> Capture {
    let capture = Capture::default();
    with_default(registry().with(log_layer(&capture)), f);
    capture
}

/// The fields of the line, without those of every line.
fn fields(mut line: Map<String, Value>) -> Value {
    for key in ["timestamp", "level", "target"] {
        assert!(line.remove(key).is_some(), "no {key}");
    }
    Value::Object(line)
}

#[test]
fn whole_lines() {
    let capture = logged(|| {
        info!("started");
        warn!(target: "billing", cart = 7_u64, "slow: {} ms", 1500);
        let span = info_span!("request", method = "GET", attempt = 2);
        let _entered = span.enter();
        error!(ok = false, share = 0.25, "no \"price\"");
        debug!(alone = true);
    });
    assert_eq!(
        capture.text(),
        concat!(
            r#"{"timestamp":"2026-11-22T10:20:30.000456Z","level":"INFO","target":"lines","message":"started"}"#,
            "\n",
            r#"{"timestamp":"2026-11-22T10:20:30.000456Z","level":"WARN","target":"billing","message":"slow: 1500 ms","cart":7}"#,
            "\n",
            r#"{"timestamp":"2026-11-22T10:20:30.000456Z","level":"ERROR","target":"lines","message":"no \"price\"","ok":false,"share":0.25,"method":"GET","attempt":2}"#,
            "\n",
            r#"{"timestamp":"2026-11-22T10:20:30.000456Z","level":"DEBUG","target":"lines","alone":true,"method":"GET","attempt":2}"#,
            "\n",
        )
    );
    assert_eq!(capture.lines().len(), 4);
}

#[test]
fn levels_have_their_names() {
    let capture = logged(|| {
        trace!("");
        debug!("");
        info!("");
        warn!("");
        error!("");
    });
    let levels: Vec<_> = capture
        .lines()
        .iter()
        .map(|line| line["level"].clone())
        .collect();
    assert_eq!(levels, ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]);
}

#[derive(Debug)]
struct Failed(&'static str, Option<Box<Failed>>);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1
            .as_ref()
            .map(|source| &**source as &(dyn Error + 'static))
    }
}

#[test]
fn values_keep_their_types_in_events_and_spans() {
    let error = Failed("no price", Some(Box::new(Failed("no row", None))));
    let error = &error as &(dyn Error + 'static);
    let bytes = &[0_u8, 255][..];
    // One list for both, so that an event and a span cannot come to differ.
    macro_rules! typed {
        ($macro:ident!($($first:tt)*)) => {
            $macro!(
                $($first)*
                i64 = -1_i64, u64 = u64::MAX, i128 = i128::MIN, u128 = u128::MAX, f64 = 1.5,
                nan = f64::NAN, inf = f64::INFINITY, minus_inf = f64::NEG_INFINITY,
                yes = true, text = "a\u{0}b\n\"c\"", error, bytes,
                debug = ?Some("x"), display = %"y", none = Option::<u64>::None, empty = field::Empty,
            )
        };
    }
    let event = logged(|| typed!(info!()));
    let span = logged(|| typed!(info_span!("s",)).in_scope(|| info!(in_span = true)));

    let expected = json!({
        "i64": -1, "u64": u64::MAX, "f64": 1.5, "nan": "NaN", "inf": "inf", "minus_inf": "-inf", "yes": true,
        "text": "a\u{0}b\n\"c\"", "error": ["no price", "no row"], "bytes": "00ff", "debug": "Some(\"x\")",
        "display": "y",
    });
    for (name, capture) in [("event", event), ("span", span)] {
        let text = capture.text();
        // serde_json has no integers of this size.
        assert!(
            text.contains(r#""i128":-170141183460469231731687303715884105728,"#),
            "{name}: {text}"
        );
        assert!(
            text.contains(r#""u128":340282366920938463463374607431768211455,"#),
            "{name}: {text}"
        );
        let mut line = capture.line();
        assert!(
            line.remove("i128").unwrap().is_number() && line.remove("u128").unwrap().is_number()
        );
        line.remove("in_span");
        assert_eq!(fields(line), expected, "{name}");
    }
}

#[test]
fn a_clash_keeps_both_values_of_different_fields() {
    let capture = logged(|| {
        info!(
            timestamp = 1,
            level = 2,
            target = 3,
            trace_id = 4,
            span_id = 5,
            trace_flags = 6,
            field.level = 7,
            r#type = 8,
            "own"
        );
    });
    let line = capture.line();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["target"], "lines");
    let expected = json!({
        "message": "own", "field.timestamp": 1, "field.level": 2, "field.target": 3, "field.trace_id": 4,
        "field.span_id": 5, "field.trace_flags": 6, "field.field.level": 7, "type": 8,
    });
    assert_eq!(fields(line), expected);
}

#[test]
fn the_event_field_beats_the_span_field() {
    let capture = logged(|| {
        let span = info_span!(
            "s",
            user = "span",
            message = "of the span",
            level = 1,
            kept = true
        );
        span.in_scope(|| info!(user = "event", "of the event"));
    });
    let expected = json!({
        "message": "of the event", "user": "event", "field.message": "of the span", "field.level": 1, "kept": true,
    });
    assert_eq!(fields(capture.line()), expected);
}

#[test]
fn the_first_of_two_equal_event_fields_stays() {
    let capture = logged(|| info!(a = 1, a = 2));
    assert_eq!(fields(capture.line()), json!({"a": 1}));
}

#[test]
fn span_fields_are_those_of_the_events_span() {
    let capture = logged(|| {
        let other = info_span!("other", which = "other");
        let outer = info_span!("outer", which = "outer", outer = true).entered();
        let inner = info_span!(
            "inner",
            which = "inner",
            otel.name = "hidden",
            otel.kind = "server"
        )
        .entered();
        info!("current");
        info!(parent: &other, "explicit");
        info!(parent: None, "none");
        drop(inner);
        info!("after");
        drop(outer);
        info!("outside");
    });
    let cases = [
        ("current", json!({"message": "current", "which": "inner"})),
        ("explicit", json!({"message": "explicit", "which": "other"})),
        ("none", json!({"message": "none"})),
        (
            "after",
            json!({"message": "after", "which": "outer", "outer": true}),
        ),
        ("outside", json!({"message": "outside"})),
    ];
    for (message, expected) in cases {
        assert_eq!(fields(capture.message(message)), expected, "{message}");
    }
}

#[test]
fn recorded_later_counts() {
    let capture = logged(|| {
        let span = info_span!(
            "s",
            a = 1,
            b = field::Empty,
            otel.status_code = field::Empty
        );
        span.record("b", "late")
            .record("a", 2)
            .record("otel.status_code", "ERROR");
        span.in_scope(|| info!("x"));
    });
    assert_eq!(
        fields(capture.line()),
        json!({"message": "x", "a": 2, "b": "late"})
    );
}

/// Panics or fails when it is formatted.
enum Odd {
    Panics,
    Fails,
}

impl fmt::Debug for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half \"a")?;
        match self {
            Self::Panics => panic!("expected by the test"),
            Self::Fails => Err(fmt::Error),
        }
    }
}

impl fmt::Display for Odd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Error for Odd {}

#[test]
fn a_debug_that_fails_costs_no_line() {
    let capture = logged(|| {
        info!(odd = ?Odd::Fails, next = 1, "event fails");
        info!(odd = %Odd::Panics, next = 1, "event panics");
        info!(
            odd = &Odd::Panics as &(dyn Error + 'static),
            next = 1,
            "error panics"
        );
        info!("{:?}", Odd::Panics);
        let span = info_span!("s", panics = ?Odd::Panics, fails = ?Odd::Fails, next = 1);
        span.in_scope(|| info!("span"));
        info!("after");
    });
    let lines: Vec<_> = capture.lines().into_iter().map(fields).collect();
    let expected = [
        json!({"message": "event fails", "odd": "<formatting failed>", "next": 1}),
        json!({"message": "event panics", "odd": "<formatting panicked>", "next": 1}),
        json!({"message": "error panics", "odd": ["<formatting panicked>"], "next": 1}),
        json!({"message": "<formatting panicked>"}),
        json!({"message": "span", "panics": "<formatting panicked>", "fails": "<formatting failed>", "next": 1}),
        json!({"message": "after"}),
    ];
    assert_eq!(lines, expected);
}

/// Fails in each of the ways in which a writer can.
#[derive(Clone, Copy)]
enum Broken {
    Fails,
    Panics,
}

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match self {
            Self::Fails => Err(io::ErrorKind::BrokenPipe.into()),
            Self::Panics => panic!("expected by the test"),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Broken {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

#[test]
fn a_broken_writer_harms_nobody() {
    let capture = Capture::default();
    let subscriber = registry()
        .with(log_layer(&capture))
        .with(otel_log::layer().writer(Broken::Fails))
        .with(otel_log::layer().writer(Broken::Panics));
    with_default(subscriber, || {
        info!("one");
        info!("two");
    });
    assert_eq!(capture.lines().len(), 2);
}

#[test]
fn each_instance_has_its_filter_and_all_have_the_fields() {
    let (all, warnings, spanless) = (Capture::default(), Capture::default(), Capture::default());
    let subscriber = registry()
        .with(log_layer(&warnings).with_filter(LevelFilter::WARN))
        .with(log_layer(&all))
        .with(
            log_layer(&spanless)
                .with_filter(tracing_subscriber::filter::filter_fn(|m| m.is_event())),
        );
    with_default(subscriber, || {
        let span = tracing::warn_span!("s", a = 1, b = field::Empty).entered();
        span.record("b", 2);
        info!("info");
        warn!("warn");
    });
    let both = json!({"message": "warn", "a": 1, "b": 2});
    assert_eq!(all.lines().len(), 2);
    assert_eq!(fields(all.message("warn")), both);
    assert_eq!(fields(warnings.line()), both);
    assert_eq!(fields(spanless.message("warn")), json!({"message": "warn"}));
}

#[test]
fn span_fields_are_formatted_once_for_all_instances() {
    struct Counted<'a>(&'a Cell<u32>);

    impl fmt::Debug for Counted<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            f.write_str("counted")
        }
    }

    let (one, two) = (Capture::default(), Capture::default());
    let count = Cell::new(0);
    with_default(
        registry().with(log_layer(&one)).with(log_layer(&two)),
        || {
            let span = info_span!("s", counted = ?Counted(&count));
            span.in_scope(|| info!("first"));
            span.in_scope(|| info!("second"));
        },
    );
    assert_eq!(count.get(), 1);
    for capture in [one, two] {
        assert_eq!(
            fields(capture.message("second")),
            json!({"message": "second", "counted": "counted"})
        );
    }
}

#[test]
fn the_writer_may_choose_by_level() {
    let (errors, rest) = (Capture::default(), Capture::default());
    let writer = errors
        .clone()
        .with_max_level(tracing::Level::ERROR)
        .or_else(rest.clone());
    with_default(registry().with(otel_log::layer().writer(writer)), || {
        error!("error");
        info!("info");
    });
    assert_eq!(errors.line()["message"], "error");
    assert_eq!(rest.line()["message"], "info");
}

#[test]
fn works_wherever_a_layer_can_be_put() {
    type Boxed = Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>;
    type Wrap = fn(&Capture) -> Boxed;
    let places: BTreeMap<&str, Wrap> = BTreeMap::from([
        (
            "option",
            (|capture| Some(log_layer(capture)).boxed()) as Wrap,
        ),
        ("vec", |capture| vec![log_layer(capture)].boxed()),
        ("box", |capture| log_layer(capture).boxed()),
        ("reload", |capture| {
            reload::Layer::new(log_layer(capture)).0.boxed()
        }),
        ("and_then", |capture| {
            LevelFilter::TRACE.and_then(log_layer(capture)).boxed()
        }),
    ]);
    for (name, wrap) in places {
        let capture = Capture::default();
        with_default(registry().with(wrap(&capture)), || {
            info_span!("s", a = 1).in_scope(|| info!("x"));
        });
        assert_eq!(
            fields(capture.line()),
            json!({"message": "x", "a": 1}),
            "{name}"
        );
    }
}

#[test]
fn a_layer_reloaded_into_a_span_knows_its_fields() {
    let (old, new) = (Capture::default(), Capture::default());
    let (layer, handle) = reload::Layer::new(log_layer(&old));
    with_default(registry().with(layer), || {
        let span = info_span!("s", a = 1, b = field::Empty).entered();
        info!("early");
        handle.reload(log_layer(&new)).unwrap();
        span.record("b", 2);
        info!("late");
    });
    assert_eq!(fields(old.line()), json!({"message": "early", "a": 1}));
    assert_eq!(
        fields(new.line()),
        json!({"message": "late", "a": 1, "b": 2})
    );
}

#[test]
fn a_huge_value_is_cut_and_says_so() {
    let huge = "x\n".repeat(1 << 19);
    let capture = logged(|| {
        let span = info_span!("s", shown = %huge, debug = ?huge, text = huge);
        span.in_scope(|| info!(huge, formatted = %huge, "x"));
    });
    let line = capture.line();
    let expected = format!("{}…[cut]", "x\n".repeat(8 * 1024));
    for name in ["huge", "formatted", "shown", "text"] {
        assert_eq!(line[name], expected, "{name}");
    }
    assert!(line["debug"].as_str().unwrap().ends_with("…[cut]"));
}

#[test]
fn standard_output_is_the_default_and_the_time_moves() {
    let debug = format!("{:?}", otel_log::layer());
    assert!(debug.contains("Stdout"), "{debug}");
    let capture = Capture::default();
    with_default(
        registry().with(otel_log::layer().writer(capture.clone())),
        || info!("x"),
    );
    let timestamp = capture.line()["timestamp"].as_str().unwrap().to_owned();
    assert_eq!(timestamp.len(), "2026-11-22T10:20:30.000456Z".len());
    assert_ne!(
        timestamp,
        parse("{\"timestamp\":\"1970-01-01T00:00:00.000000Z\"}\n")["timestamp"]
    );
}
