//! Log records hold what lines hold.

#![cfg(feature = "records")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::{cell::Cell, fmt, time::SystemTime};

use common::{
    otel_context, provider,
    records::{Records, text},
    span_layer,
};
use opentelemetry::{
    Context,
    logs::{AnyValue, Severity},
    trace::{SpanContext, TraceContextExt as _},
};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger};
use otel_log::{RecordLayer, Secrets};
use serde_json::{Value, json};
use tracing::{Span, debug, error, field, info, info_span, subscriber::with_default, trace, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{Layer as _, filter::filter_fn, layer::SubscriberExt as _, registry};

/// Runs `f` with the OpenTelemetry layer and this one alone: no line is written that it could lean on.
fn recorded(f: impl FnOnce()) -> Records {
    recorded_with(|layer| layer, f)
}

fn recorded_with(
    set_up: impl FnOnce(RecordLayer<SdkLogger>) -> RecordLayer<SdkLogger>,
    f: impl FnOnce(),
) -> Records {
    let records = Records::default();
    let spans = span_layer(&provider()).with_filter(filter_fn(|metadata| metadata.is_span()));
    let layer = set_up(otel_log::record_layer(records.logger()));
    with_default(registry().with(spans).with(layer), f);
    records
}

fn json_of(value: &AnyValue) -> Value {
    match value {
        AnyValue::Int(value) => json!(value),
        AnyValue::Double(value) => json!(value),
        AnyValue::Boolean(value) => json!(value),
        AnyValue::String(value) => json!(value.as_str()),
        AnyValue::Bytes(value) => json!({ "bytes": value.as_slice() }),
        AnyValue::ListAny(values) => values.iter().map(json_of).collect(),
        other => panic!("{other:?}"),
    }
}

/// The attributes, each key checked to stand once.
fn attributes(record: &SdkLogRecord) -> Value {
    let mut map = serde_json::Map::new();
    for (key, value) in record.attributes_iter() {
        let before = map.insert(key.to_string(), json_of(value));
        assert!(before.is_none(), "{key} twice");
    }
    map.into()
}

fn assert_ids(record: &SdkLogRecord, expected: &SpanContext) {
    let ids = record.trace_context().map(|it| {
        (
            it.trace_id,
            it.span_id,
            it.trace_flags.expect("flags are known"),
        )
    });
    let expected = (
        expected.trace_id(),
        expected.span_id(),
        expected.trace_flags(),
    );
    assert_eq!(ids, Some(expected));
}

fn exported(span: &Span) -> SpanContext {
    span.context().span().span_context().clone()
}

#[test]
fn a_record_holds_what_a_line_holds() {
    let before = SystemTime::now();
    let records = recorded(|| {
        let span = info_span!(
            "checkout",
            cart = 7,
            user = field::Empty,
            otel.name = "renamed"
        );
        span.record("user", "ann");
        span.in_scope(
            || warn!(target: "shop", waited_ms = 1500, late = true, "pricing is {}", "slow"),
        );
    });
    let record = records.one();
    assert_eq!(text(record.body()), "pricing is slow");
    assert_eq!(record.target().unwrap(), "shop");
    assert_eq!(record.severity_number(), Some(Severity::Warn));
    assert_eq!(record.severity_text(), Some("WARN"));
    assert_eq!(record.event_name(), None);
    assert!(record.timestamp().unwrap() >= before);
    assert_eq!(record.timestamp(), record.observed_timestamp());
    let expected = json!({"waited_ms": 1500, "late": true, "cart": 7, "user": "ann"});
    assert_eq!(attributes(&record), expected);
}

#[test]
fn severities() {
    let records = recorded(|| {
        trace!("1");
        debug!("5");
        info!("9");
        warn!("13");
        error!("17");
    });
    for record in records.all() {
        let number = record.severity_number().unwrap() as i32;
        assert_eq!(text(record.body()), number.to_string());
    }
    assert_eq!(records.all().len(), 5);
}

#[test]
fn an_event_has_a_name_where_code_gave_one() {
    let records = recorded(|| {
        info!(name: "cart.priced", "named");
        info!(name: "event of the year", "named oddly");
        info!(name: "no_route", { event.name = "no_route" }, "as our warnings");
        info!("not named");
    });
    assert_eq!(records.body("named").event_name(), Some("cart.priced"));
    let odd = records.body("named oddly");
    assert_eq!(odd.event_name(), Some("event of the year"));
    assert_eq!(records.body("not named").event_name(), None);
    let ours = records.body("as our warnings");
    assert_eq!(ours.event_name(), Some("no_route"));
    assert_eq!(attributes(&ours), json!({"event.name": "no_route"}));
}

#[derive(Debug)]
struct Outer(fmt::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("outer")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn values_keep_their_types_in_events_and_spans() {
    let error = Outer(fmt::Error);
    let error: &(dyn std::error::Error + 'static) = &error;
    macro_rules! fields {
        ($make:ident!($($start:tt)*)) => {
            $make!(
                $($start)* small = -3, count = 3_u64, large = u64::MAX, huge = i128::MIN, fits = 5_u128, half = 0.5, yes = true,
                word = "a", shown = %"b", debugged = ?Some(1), raw = &b"\x00\xff"[..], cause = error, r#type = "keyword",
            )
        };
    }
    let records = recorded(|| {
        fields!(info!());
        let span = fields!(info_span!("s",));
        span.in_scope(|| info!("in a span"));
    });
    let expected = json!({
        "small": -3, "count": 3, "large": u64::MAX.to_string(), "huge": i128::MIN.to_string(), "fits": 5, "half": 0.5, "yes": true,
        "word": "a", "shown": "b", "debugged": "Some(1)", "raw": {"bytes": [0, 255]},
        "cause": ["outer", fmt::Error.to_string()], "type": "keyword",
    });
    for record in records.all() {
        assert_eq!(attributes(&record), expected);
    }
    assert_eq!(records.all().len(), 2);
}

#[test]
fn a_field_of_the_event_beats_one_of_the_span() {
    let records = recorded(|| {
        let span = info_span!("s", id = "span", message = "of the span", id = "second");
        span.record("id", "recorded");
        span.in_scope(|| info!(id = "event", "of the event"));
        span.in_scope(|| info!("other"));
    });
    let record = records.body("of the event");
    let expected = json!({"id": "event", "message": "of the span"});
    assert_eq!(attributes(&record), expected);
    let expected = json!({"id": "recorded", "message": "of the span"});
    assert_eq!(attributes(&records.body("other")), expected);
}

#[test]
fn ids_are_those_of_the_line() {
    let mut expected = Vec::new();
    let records = recorded(|| {
        let outer = info_span!("outer").entered();
        info!("in a tracing span");
        expected.push(("in a tracing span", exported(&outer)));
        let context = otel_context();
        {
            let _attached = context.clone().attach();
            info!("in a context");
        }
        expected.push(("in a context", context.span().span_context().clone()));
        let other = info_span!("other");
        other.in_scope(|| ());
        info!(parent: &other, "explicit parent");
        expected.push(("explicit parent", exported(&other)));
        info!(parent: None, "no parent");
        drop(outer);
        let unstarted = info_span!(parent: None, "unstarted");
        let _attached = context.attach();
        info!(parent: &unstarted, "parent without ids");
    });
    for (body, expected) in &expected {
        assert_ids(&records.body(body), expected);
    }
    for body in ["no parent", "parent without ids"] {
        assert_eq!(records.body(body).trace_context(), None, "{body}");
    }
}

#[test]
fn secrets_are_redacted_in_events_and_spans() {
    let log = || {
        let span = info_span!(
            "s",
            db.password = "hunter2",
            apiKey = field::Empty,
            iban = "DE1"
        );
        span.record("apiKey", "hunter2");
        span.in_scope(|| info!(token = ?"hunter2", token_count = 3, "x"));
    };
    let known = json!({
        "token": "REDACTED", "token_count": 3, "db.password": "REDACTED", "iban": "DE1", "apiKey": "REDACTED",
    });
    assert_eq!(attributes(&recorded(log).one()), known);

    let added = recorded_with(
        |layer| layer.secrets(Secrets::default().also(["iban"])),
        log,
    )
    .one();
    assert_eq!(attributes(&added)["iban"], "REDACTED");
    assert_eq!(attributes(&added)["token"], "REDACTED");

    let replaced = recorded_with(
        |layer| layer.secrets(Secrets::dangerously_only(["iban"])),
        log,
    )
    .one();
    assert_eq!(attributes(&replaced)["iban"], "REDACTED");
    assert_eq!(attributes(&replaced)["token"], "\"hunter2\"");
}

#[test]
fn urls_in_attributes_and_bodies_are_recorded_without_their_secrets() {
    let record = recorded(|| {
        info!(
            upstream = "postgres://ada:hunter2@h/db",
            dsn = "host=h password=hunter2",
            uri = ?"/cb?token=hunter2&page=2",
            "cannot reach amqp://ada:hunter2@h/v: refused"
        );
    })
    .one();
    let expected = json!({
        "upstream": "postgres://REDACTED:REDACTED@h/db", "dsn": "REDACTED", "uri": "\"/cb?token=REDACTED&page=2\"",
    });
    assert_eq!(attributes(&record), expected, "a `Debug` has quotes");
    let body = format!("{:?}", record.body());
    assert!(
        body.contains("amqp://REDACTED:REDACTED@h/v: refused"),
        "{body}"
    );
}

#[test]
fn a_secret_is_not_even_rendered() {
    struct Secret<'a>(&'a Cell<bool>);

    impl fmt::Debug for Secret<'_> {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(true);
            Ok(())
        }
    }

    let is_rendered = Cell::new(false);
    let records = recorded(|| info!(password = ?Secret(&is_rendered), "x"));
    assert_eq!(attributes(&records.one()), json!({"password": "REDACTED"}));
    assert!(!is_rendered.get());
}

#[test]
fn a_debug_that_panics_costs_its_own_value_only() {
    struct Bad;

    impl fmt::Debug for Bad {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half")?;
            panic!("no Debug today")
        }
    }

    let records = recorded(|| info!(bad = ?Bad, good = 1, "x"));
    let expected = json!({"bad": "<formatting panicked>", "good": 1});
    assert_eq!(attributes(&records.one()), expected);
}

#[test]
fn texts_and_records_have_limits() {
    let long = "x".repeat(20_000);
    let records = recorded(|| {
        info!(long, "{long}");
        let span = info_span!("s", a = long, b = long, c = long, d = long);
        span.in_scope(|| info!(e = long, f = long, g = long, h = long, i = 1, "much"));
    });
    let cut = format!("{}…[cut]", "x".repeat(16 * 1024));
    let record = records.body(&cut);
    assert_eq!(attributes(&record), json!({"long": cut}));
    let much = attributes(&records.body("much"));
    assert_eq!(much["fields_left_out"], 1);
    assert_eq!(much["i"], 1);
    assert_eq!(much.get("d"), None, "of the span, and last");
    let size: usize = much
        .as_object()
        .unwrap()
        .values()
        .map(|it| it.to_string().len())
        .sum();
    assert!(size < 128 * 1024, "{size}");

    let short = recorded_with(|layer| layer.value_limit(3), || info!(word = "grün", "x")).one();
    assert_eq!(attributes(&short), json!({"word": "gr…[cut]"}));
}

#[test]
fn each_layer_has_its_own_limit_for_what_a_span_holds() {
    let (whole, short) = (Records::default(), Records::default());
    let subscriber = tracing_subscriber::registry()
        .with(otel_log::record_layer(whole.logger()))
        .with(otel_log::record_layer(short.logger()).value_limit(3));
    with_default(subscriber, || {
        let error: &(dyn std::error::Error + 'static) = &std::fmt::Error;
        let span = info_span!(
            "s",
            word = "grün",
            number = 123_456,
            error,
            later = field::Empty
        );
        span.record("later", "later");
        span.in_scope(|| info!("x"));
    });
    let error = std::fmt::Error.to_string();
    assert_eq!(
        attributes(&whole.one()),
        json!({"word": "grün", "number": 123_456, "error": [error], "later": "later"})
    );
    assert_eq!(
        attributes(&short.one()),
        json!({"word": "gr…[cut]", "number": 123_456, "error": ["an …[cut]"], "later": "lat…[cut]"})
    );
}

#[test]
fn telemetry_does_not_record_itself() {
    let records = recorded(|| {
        for target in ["opentelemetry", "opentelemetry_sdk", "opentelemetry-otlp"] {
            // A target has to be a literal.
            match target {
                "opentelemetry" => error!(target: "opentelemetry", "x"),
                "opentelemetry_sdk" => error!(target: "opentelemetry_sdk", "x"),
                _ => error!(target: "opentelemetry-otlp", "x"),
            }
        }
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        error!("while an export is under way");
    });
    assert_eq!(records.all().len(), 0);
}

#[test]
fn an_application_whose_name_starts_like_opentelemetrys_crates_gets_its_records() {
    let records = recorded(|| {
        error!(target: "opentelemetry_shop", "a");
        error!(target: "opentelemetry_shop::cart", "b");
        error!(target: "opentelemetry-shop", "c");
        error!(target: "opentelemetry_sdk_shop", "d");
        error!(target: "opentelemetry_sdk::logs", "hidden");
    });
    let targets: Vec<_> = records
        .all()
        .iter()
        .map(|record| record.target().unwrap().clone().into_owned())
        .collect();
    assert_eq!(
        targets,
        [
            "opentelemetry_shop",
            "opentelemetry_shop::cart",
            "opentelemetry-shop",
            "opentelemetry_sdk_shop"
        ]
    );
}

#[test]
fn records_of_the_log_crate_look_like_events() {
    tracing_log::LogTracer::init().unwrap();
    let records = recorded(|| {
        let span = info_span!("s", user = "ann");
        span.in_scope(|| log::warn!(target: "legacy::db", "record: {}", 7));
    });
    let record = records.one();
    assert_eq!(text(record.body()), "record: 7");
    assert_eq!(record.target().unwrap(), "legacy::db");
    assert_eq!(record.severity_number(), Some(Severity::Warn));
    assert_eq!(record.event_name(), None);
    assert_eq!(attributes(&record), json!({"user": "ann"}));
    assert!(record.trace_context().is_some());
}

#[test]
fn a_value_that_is_cut_shows_no_part_of_a_password() {
    let address = "postgres://user:hunter2hunter2@h/db";
    let records = recorded_with(
        |layer| layer.value_limit(20),
        || {
            let uri = address;
            info!(address, uri, debug = ?address, "{address}");
        },
    );
    let record = records.one();
    assert!(!format!("{record:?}").contains("hunt"), "{record:?}");
}
