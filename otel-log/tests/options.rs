//! What each option makes of a line, to the byte.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use common::{Capture, fixed_clock, log_layer};
use opentelemetry::{
    Context, KeyValue,
    baggage::BaggageExt as _,
    trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState},
};
use otel_log::{BoxedWriter, Format, Key, Layer, Secrets, Spans, Timestamp, fields};
use serde_json::json;
use tracing::{Level, debug_span, error, info, info_span, subscriber::with_default, warn};
use tracing_subscriber::{fmt::writer::MakeWriterExt as _, layer::SubscriberExt as _, registry};

/// Runs `f` with a layer that was set up in this way, in a context with fixed ids.
fn logged(set_up: impl FnOnce(Layer<Capture>) -> Layer<Capture>, f: impl FnOnce()) -> Capture {
    logged_with_flags(TraceFlags::SAMPLED, set_up, f)
}

fn logged_with_flags(
    flags: TraceFlags,
    set_up: impl FnOnce(Layer<Capture>) -> Layer<Capture>,
    f: impl FnOnce(),
) -> Capture {
    let capture = Capture::default();
    let ids = SpanContext::new(
        TraceId::from_hex("0af7651916cd43dd8448eb211c80319c").unwrap(),
        SpanId::from_hex("b7ad6b7169203331").unwrap(),
        flags,
        true,
        TraceState::NONE,
    );
    let _context = Context::new()
        .with_remote_span_context(ids)
        .with_baggage([
            KeyValue::new("tenant", "acme"),
            KeyValue::new("private", "x"),
            KeyValue::new("api_token", "hunter2"),
        ])
        .attach();
    with_default(registry().with(set_up(log_layer(&capture))), f);
    capture
}

fn line_of(set_up: impl FnOnce(Layer<Capture>) -> Layer<Capture>) -> String {
    let capture = logged(set_up, || {
        let _outer = info_span!("outer", user = "ann", step = 1).entered();
        let _inner = info_span!("inner", step = 2, level = 3).entered();
        warn!(target: "shop", cart = 7, "slow");
    });
    capture.line(); // is JSON with each key once
    let text = capture.text();
    text.strip_suffix('\n').unwrap().to_owned()
}

const IDS: &str = r#""trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","trace_flags":"01"}"#;
const START: &str = r#"{"timestamp":"2026-11-22T10:20:30.000456Z","level":"WARN","target":"shop","message":"slow","#;

#[test]
fn spans() {
    let cases = [
        (Spans::Current, r#""cart":7,"step":2,"field.level":3,"#),
        (
            Spans::Merged,
            r#""cart":7,"step":2,"field.level":3,"user":"ann","#,
        ),
        (
            Spans::List,
            r#""cart":7,"spans":[{"name":"outer","user":"ann","step":1},{"name":"inner","step":2,"level":3}],"#,
        ),
        (Spans::None, r#""cart":7,"#),
    ];
    for (spans, expected) in cases {
        let line = line_of(|layer| layer.spans(spans));
        assert_eq!(line, format!("{START}{expected}{IDS}"), "{spans:?}");
    }
}

#[test]
fn nested() {
    let cases = [
        (
            Spans::Current,
            r#""fields":{"cart":7},"span":{"step":2,"level":3},"#,
        ),
        (
            Spans::Merged,
            r#""fields":{"cart":7},"span":{"step":2,"level":3,"user":"ann"},"#,
        ),
        (
            Spans::List,
            r#""fields":{"cart":7},"spans":[{"name":"outer","user":"ann","step":1},{"name":"inner","step":2,"level":3}],"#,
        ),
        (Spans::None, r#""fields":{"cart":7},"#),
    ];
    for (spans, expected) in cases {
        let line = line_of(|layer| layer.nested(true).spans(spans));
        assert_eq!(line, format!("{START}{expected}{IDS}"), "{spans:?}");
    }
    // an object with nothing in it is left out, and the message stays outside wherever it stands
    let capture = logged(|layer| layer.nested(true), || info!("bare"));
    assert!(!capture.text().contains("fields"));
    let capture = logged(
        |layer| layer.nested(true),
        || info!(a = 1, message = "late"),
    );
    assert_eq!(capture.line()["message"], "late");
    assert_eq!(capture.line()["fields"], json!({"a": 1}));
}

#[test]
fn timestamps() {
    let cases = [
        (
            Timestamp::Micros,
            r#"{"timestamp":"2026-11-22T10:20:30.000456Z","#,
        ),
        (
            Timestamp::Nanos,
            r#"{"timestamp":"2026-11-22T10:20:30.000456789Z","#,
        ),
        (Timestamp::EpochMillis, r#"{"timestamp":1795342830000,"#),
        (
            Timestamp::EpochNanos,
            r#"{"timestamp":1795342830000456789,"#,
        ),
    ];
    for (timestamp, expected) in cases {
        let line = line_of(|layer| layer.format(Format::opentelemetry().timestamp(timestamp)));
        assert!(line.starts_with(expected), "{timestamp:?}: {line}");
    }
}

#[test]
fn every_name_can_be_changed_or_left_out() {
    let all = [
        (Key::Timestamp, "a"),
        (Key::Level, "b"),
        (Key::Target, "c"),
        (Key::Message, "d"),
        (Key::TraceId, "e"),
        (Key::SpanId, "f"),
        (Key::TraceFlags, "g"),
        (Key::Fields, "h"),
        (Key::Span, "i"),
    ];
    let renamed = all
        .iter()
        .fold(Format::opentelemetry(), |format, (key, name)| {
            format.name(*key, *name)
        });
    assert_eq!(
        line_of(|layer| layer.format(renamed).nested(true)),
        concat!(
            r#"{"a":"2026-11-22T10:20:30.000456Z","b":"WARN","c":"shop","d":"slow","h":{"cart":7},"#,
            r#""i":{"step":2,"level":3},"e":"0af7651916cd43dd8448eb211c80319c","f":"b7ad6b7169203331","g":"01"}"#,
        )
    );
    let without = [
        Key::Timestamp,
        Key::Level,
        Key::Target,
        Key::TraceId,
        Key::SpanId,
        Key::TraceFlags,
    ]
    .iter()
    .fold(Format::opentelemetry(), |format, key| format.without(*key));
    assert_eq!(
        line_of(|layer| layer.format(without)),
        // a name that the line does not have is free
        r#"{"message":"slow","cart":7,"step":2,"level":3}"#
    );
}

#[test]
fn place_and_thread() {
    let line = line_of(|layer| layer.location(true).thread(true));
    assert!(
        line.contains(r#""code.file.path":"otel-log/tests/options.rs","code.line.number":"#),
        "{line}"
    );
    let name = std::thread::current().name().unwrap().to_owned();
    assert!(
        line.contains(&format!(r#""thread.name":"{name}","thread.id":"#)),
        "{line}"
    );
}

#[test]
fn fixed_and_computed_fields_and_those_of_the_baggage() {
    let line = line_of(|layer| {
        layer
            .with_fields(fields::fixed("service.name", "checkout"))
            .with_fields(fields::computed("cart", || Some("computed".to_owned())))
            .with_fields(fields::computed("absent", || None))
            .with_fields(fields::computed("broken", || panic!("in a field")))
            .with_fields(fields::baggage(["tenant", "api_token", "missing"]))
    });
    // the event's own `cart` gives way
    let expected = r#""field.cart":7,"step":2,"field.level":3,"service.name":"checkout","cart":"computed","tenant":"acme","api_token":"REDACTED","#;
    assert_eq!(line, format!("{START}{expected}{IDS}"));
}

#[test]
fn secrets_are_redacted_in_events_and_spans() {
    let secrets = |layer: fn(Layer<Capture>) -> Layer<Capture>| {
        let capture = logged(layer, || {
            let _span =
                info_span!("s", user.password = "hunter1", iban = "DE1", later = 1).entered();
            info!(access_token = "hunter2", authorization = ?Some("hunter3"), token_count = 5, "m");
        });
        let mut line = capture.line();
        for key in [
            "timestamp",
            "level",
            "target",
            "message",
            "trace_id",
            "span_id",
            "trace_flags",
        ] {
            line.remove(key).unwrap();
        }
        serde_json::Value::Object(line)
    };
    let default = json!({
        "access_token": "REDACTED", "authorization": "REDACTED", "token_count": 5, "user.password": "REDACTED",
        "iban": "DE1", "later": 1,
    });
    assert_eq!(secrets(|layer| layer), default);
    let mut added = default;
    added["iban"] = json!("REDACTED");
    assert_eq!(
        secrets(|layer| layer.secrets(Secrets::default().also(["iban"]))),
        added
    );
    let replaced = json!({
        "access_token": "hunter2", "authorization": "Some(\"hunter3\")", "token_count": 5, "user.password": "hunter1",
        "iban": "REDACTED", "later": 1,
    });
    assert_eq!(
        secrets(|layer| layer.secrets(Secrets::dangerously_only(["iban"]))),
        replaced
    );
}

#[test]
fn urls_in_fields_and_messages_are_written_without_their_secrets() {
    for pretty in [false, true] {
        let capture = logged(
            |layer| {
                if pretty {
                    layer.pretty().color(false)
                } else {
                    layer
                }
            },
            || {
                let _span = info_span!("s", uri = %"/cb?token=hunter2&page=2").entered();
                info!(
                    upstream = "postgres://ada:hunter2@h/db",
                    dsn = "host=h password=hunter2",
                    sentry_dsn = "https://hunter2@h/1",
                    callback_url = ?"https://h/?sig=hunter2&x=1",
                    "cannot reach amqp://ada:hunter2@h/v: refused"
                );
            },
        );
        let text = capture.text();
        assert!(!text.contains("hunter2"), "{text}");
        let shown = [
            "cannot reach amqp://REDACTED:REDACTED@h/v: refused",
            "postgres://REDACTED:REDACTED@h/db",
            "https://REDACTED@h/1",
            "https://h/?sig=REDACTED&x=",
            "/cb?token=REDACTED&page=2",
        ];
        for shown in shown {
            assert!(text.contains(shown), "{text}");
        }
        if !pretty {
            let line = capture.line();
            assert_eq!(line["dsn"], "REDACTED");
        }
    }
}

#[test]
fn a_line_that_would_be_too_long_says_what_it_lost() {
    let capture = logged(
        |layer| layer.value_limit(10).line_limit(150),
        || {
            let _span = info_span!("s", of_span = "0123456789abcdef", other = 1).entered();
            info!(
                first = "0123456789abcdef",
                second = "y".repeat(100),
                third = 3,
                "the message is long"
            );
        },
    );
    assert_eq!(
        capture.text(),
        format!(
            "{}{}{IDS}\n",
            r#"{"timestamp":"2026-11-22T10:20:30.000456Z","level":"INFO","target":"options","message":"the messag…[cut]","#,
            r#""first":"0123456789…[cut]","third":3,"fields_left_out":3,"#,
        )
    );
}

#[test]
fn the_rate_limit_says_what_it_left_out_and_keeps_sampled_traces_whole() {
    let repeat = || {
        for number in 0..5 {
            info!(number, "often");
        }
        error!("other");
        error!("another");
    };
    let unsampled = logged_with_flags(TraceFlags::NOT_SAMPLED, |layer| layer.rate_limit(2), repeat);
    let lines = unsampled.lines();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["message"].as_str().unwrap(),
                line.get("lines_left_out"),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("often", None),
            ("often", None),
            ("other", Some(&json!(3))),
            ("another", None)
        ]
    );
    let sampled = logged(|layer| layer.rate_limit(2), repeat);
    assert_eq!(sampled.lines().len(), 7);
}

#[test]
fn lines_left_out_are_counted() {
    let layer = log_layer(&Capture::default()).rate_limit(1);
    let counts = layer.counts();
    with_default(registry().with(layer), || {
        for _ in 0..5 {
            info!("often");
        }
    });
    assert_eq!((counts.rate_limited(), counts.failed()), (4, 0));
}

#[test]
fn without_ids_one_line_says_so() {
    let capture = Capture::default();
    let layer = otel_log::layer().writer(capture.clone()).clock(fixed_clock);
    with_default(registry().with(layer), || {
        info!("outside of any span");
        let span = info_span!("s");
        info!(parent: &span, "in a span that has not begun");
        debug_span!("too fine for most").in_scope(|| info!("in a fine span"));
        let _span = span.entered();
        info!("first");
        info!("second");
    });
    let lines = capture.lines();
    let messages: Vec<_> = lines
        .iter()
        .map(|line| line["message"].as_str().unwrap())
        .collect();
    let [_, _, _, first, notice, second] = messages[..] else {
        panic!("{messages:?}");
    };
    assert_eq!((first, second), ("first", "second"));
    assert!(notice.contains("no OpenTelemetry layer"), "{notice}");
    assert_eq!(lines[4]["level"], "WARN");
    assert_eq!(lines[4]["target"], "otel_log");
    assert_eq!(lines[4]["event.name"], "no_trace_id");
}

#[test]
fn no_name_stands_twice_in_a_line_whatever_the_layer_is_told() {
    let told = |layer: Layer<Capture>| {
        layer
            .format(
                Format::opentelemetry()
                    .without(Key::Message)
                    .name(Key::Target, "level"),
            )
            .with_fields(fields::fixed("level", "1"))
            .with_fields(fields::fixed("level", "2"))
            .with_fields(fields::baggage(["trace_id", "tenant", "tenant"]))
    };
    let capture = logged(told, || {
        let _span = info_span!("s", message = "of the span", name = "n", tenant = 1).entered();
        info!(tenant = 2, "of the event");
    });
    let line = capture.line(); // each key once
    assert_eq!(line["message"], "of the event");
    assert_eq!(line["level"], "INFO");
    let listed = logged(
        |layer| layer.spans(Spans::List),
        || {
            let _span = info_span!("s", name = "n").entered();
            info!("m");
        },
    );
    assert_eq!(
        listed.line()["spans"],
        json!([{"name": "s", "field.name": "n"}])
    );
}

#[test]
fn error_chains_have_one_limit() {
    #[derive(Debug)]
    struct Deep(u32);
    impl std::fmt::Display for Deep {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{:>10}", self.0)
        }
    }
    impl std::error::Error for Deep {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            (self.0 == 1).then_some(&Deep(2))
        }
    }
    let error = &Deep(1) as &(dyn std::error::Error + 'static);
    let capture = logged(
        |layer| layer.value_limit(20),
        || {
            let _span = info_span!("s", of_span = error).entered();
            info!(error, "m");
        },
    );
    let expected = json!(["         1", "      …[cut]"]);
    assert_eq!(capture.line()["error"], expected);
    assert_eq!(capture.line()["of_span"], expected);
}

#[test]
fn text_for_people() {
    let capture = logged(
        |layer| layer.pretty().color(false),
        || {
            let _outer = info_span!("outer", user = "ann").entered();
            let _inner = info_span!("inner", step = 2, password = "x").entered();
            warn!(target: "shop", cart = 7, name = "a b", "slow\nline");
        },
    );
    assert_eq!(
        capture.text(),
        "10:20:30.000  WARN slow\\nline cart=7 name=\"a b\" step=2 password=\"REDACTED\" shop 0af76519\n"
    );
    let capture = logged(
        |layer| {
            layer
                .pretty()
                .color(false)
                .spans(Spans::List)
                .with_fields(fields::fixed("service", "shop"))
        },
        || {
            let _outer = info_span!("outer", user = "ann").entered();
            let _inner = info_span!("inner", step = 2).entered();
            info!(target: "a\n\u{1b}[31m", a = 1, message = "late");
        },
    );
    assert_eq!(
        capture.text(),
        "10:20:30.000  INFO late a=1 step=2 user=\"ann\" service=\"shop\" a\\n\\u001b[31m 0af76519\n"
    );
    // what JSON leaves as it is and a terminal acts on: an 8-bit CSI, a line separator, a change of direction
    let capture = logged(
        |layer| layer.pretty().color(false),
        || info!(target: "t\u{9b}", a = "\u{202e}b", "m\u{9b}2J\u{2028}é"),
    );
    assert_eq!(
        capture.text(),
        "10:20:30.000  INFO m\\u009b2J\\u2028é a=\"\\u202eb\" t\\u009b 0af76519\n"
    );
    let colored = logged(
        |layer| layer.pretty().color(true),
        || info!(target: "shop", a = 1, "m"),
    );
    assert_eq!(
        colored.text(),
        "\u{1b}[2m10:20:30.000\u{1b}[0m \u{1b}[32m INFO\u{1b}[0m m\u{1b}[2m a=\u{1b}[0m1\u{1b}[2m shop 0af76519\u{1b}[0m\n"
    );
}

#[test]
fn a_value_that_is_cut_shows_no_part_of_a_password() {
    let address = "postgres://user:hunter2hunter2@h/db";
    let capture = logged(
        |layer| layer.value_limit(20),
        || {
            let _span = info_span!("s", of_span = address).entered();
            let uri = address;
            info!(address, uri, debug = ?address, "{address}");
        },
    );
    let text = capture.text();
    assert!(!text.contains("hunt"), "{text}");
    assert_eq!(capture.line()["uri"], "postgres://REDACTED:REDACTED…[cut]");
}

#[test]
fn json_reverts_pretty() {
    let json = line_of(|layer| layer);
    assert_eq!(line_of(|layer| layer.pretty().json()), json);
}

#[test]
fn a_boxed_writer_gets_the_same_lines_for_each_level() {
    let [calm, urgent] = [Capture::default(), Capture::default()];
    let by_level = urgent
        .clone()
        .with_max_level(Level::WARN)
        .or_else(calm.clone());
    let layer = log_layer(&calm).writer(by_level).boxed_writer();
    // Every option can still be set, and a boxed writer can be boxed again.
    let layer = layer.location(true).boxed_writer().location(false);
    with_default(registry().with(layer), || {
        warn!(target: "shop", cart = 7, "slow");
        info!(target: "shop", "fast");
    });
    assert_eq!(urgent.line()["message"], "slow");
    assert_eq!(calm.line()["message"], "fast");
    assert_eq!(urgent.line().len(), 5, "{:?}", urgent.line());
}

#[test]
fn a_boxed_writer_works_in_other_layers() {
    let [calm, urgent] = [Capture::default(), Capture::default()];
    let by_level = urgent
        .clone()
        .with_max_level(Level::WARN)
        .or_else(calm.clone());
    let writer = BoxedWriter::new(by_level);
    let layer = tracing_subscriber::fmt::layer().without_time();
    with_default(
        registry().with(layer.with_ansi(false).with_writer(writer)),
        || {
            warn!(target: "shop", "slow");
            info!(target: "shop", "fast");
        },
    );
    assert_eq!(urgent.text(), " WARN shop: slow\n");
    assert_eq!(calm.text(), " INFO shop: fast\n");
}
