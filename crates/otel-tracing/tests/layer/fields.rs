//! Fields become name, kind, status and attributes.

use std::error::Error;
use std::fmt;

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Array, Value};
use otel_core::redact::Secrets;
use tracing::{field, info_span};

use crate::common::{get, span, spans_with};

#[test]
fn values_keep_their_types() {
    let span = span(|| {
        drop(info_span!(
            "typed",
            small = -7_i8,
            unsigned = 7_u64,
            large = u64::MAX,
            wide = 7_i128,
            widest = u128::MAX,
            share = 0.5,
            yes = true,
            text = "grün",
            debug = ?Some(1),
            display = %"plain",
            bytes = &[0_u8, 255][..],
            r#type = "raw",
            empty = field::Empty,
        ));
    });
    let table: [(&str, Value); 12] = [
        ("small", Value::I64(-7)),
        ("unsigned", Value::I64(7)),
        ("large", "18446744073709551615".into()),
        ("wide", Value::I64(7)),
        ("widest", "340282366920938463463374607431768211455".into()),
        ("share", Value::F64(0.5)),
        ("yes", Value::Bool(true)),
        ("text", "grün".into()),
        ("debug", "Some(1)".into()),
        ("display", "plain".into()),
        ("bytes", "00ff".into()),
        ("type", "raw".into()),
    ];
    for (key, value) in &table {
        assert_eq!(get(&span.attributes, key).as_ref(), Some(value), "{key}");
    }
    // And `code.function.name`.
    assert_eq!(span.attributes.len(), table.len() + 1);
}

/// One NaN makes Jaeger's search fail for the whole service.
#[test]
fn floats_that_are_no_numbers_are_text() {
    let span = span(|| {
        drop(info_span!(
            "x",
            a = f64::NAN,
            b = f64::INFINITY,
            c = -f64::INFINITY
        ));
    });
    let values = ["a", "b", "c"].map(|key| get(&span.attributes, key).unwrap());
    assert_eq!(values, [Value::from("NaN"), "inf".into(), "-inf".into()]);
}

#[test]
fn long_texts_are_cut_between_characters() {
    let long = "ä".repeat(20);
    let spans = spans_with(
        |layer| layer.with_value_limit(11),
        || drop(info_span!("x", text = long.as_str(), debug = ?long, bytes = &[1_u8; 9][..])),
    );
    let attributes = &spans[0].attributes;
    assert_eq!(get(attributes, "text"), Some("äääää…[cut]".into()));
    assert_eq!(get(attributes, "debug"), Some("\"äääää…[cut]".into()));
    assert_eq!(get(attributes, "bytes"), Some("0101010101…[cut]".into()));
}

/// A `Debug` that fails or panics does not harm the program.
#[test]
fn values_that_cannot_be_formatted_say_so() {
    struct Bad(bool);
    impl fmt::Debug for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            if self.0 {
                panic!("cannot be shown");
            }
            Err(fmt::Error)
        }
    }
    let span = span(|| drop(info_span!("x", fails = ?Bad(false), panics = ?Bad(true))));
    for key in ["fails", "panics"] {
        let value = get(&span.attributes, key).unwrap();
        assert!(value.as_str().starts_with("<formatting "), "{value:?}");
    }
}

#[derive(Debug)]
struct Failed(std::fmt::Error);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the order failed")
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn errors_are_exceptions_with_their_sources() {
    let error: &(dyn Error + 'static) = &Failed(fmt::Error);
    let work = || drop(info_span!("x", cause = error));
    let sources = Value::Array(Array::String(vec![fmt::Error.to_string().into()]));
    let attributes = span(work).attributes;
    assert_eq!(get(&attributes, "cause"), Some("the order failed".into()));
    assert_eq!(get(&attributes, "cause.chain"), Some(sources));
    assert_eq!(
        get(&attributes, "exception.message"),
        Some("the order failed".into())
    );
    let without = spans_with(|layer| layer.with_error_fields(false), work);
    assert_eq!(get(&without[0].attributes, "exception.message"), None);
    assert!(get(&without[0].attributes, "cause").is_some());
}

#[test]
fn otel_fields_set_name_kind_and_status() {
    let server = span(|| {
        drop(info_span!(
            "x",
            otel.name = "GET /users",
            otel.kind = "SERVER",
            otel.status_code = "ok"
        ));
    });
    assert_eq!(server.name, "GET /users");
    assert_eq!(server.span_kind, SpanKind::Server);
    assert_eq!(server.status, Status::Ok);
    let failed = span(|| {
        drop(info_span!(
            "x",
            otel.kind = "x",
            otel.status_description = "no"
        ));
    });
    assert_eq!(failed.span_kind, SpanKind::Internal);
    assert_eq!(failed.status, Status::error("no"));
    assert!(get(&failed.attributes, "otel.kind").is_none());
}

#[test]
fn fields_that_are_recorded_later_count_before_and_after_the_start() {
    let span = span(|| {
        let span = info_span!(
            "x",
            early = field::Empty,
            late = 1,
            otel.name = field::Empty,
            otel.status_code = field::Empty
        );
        span.record("early", 7);
        span.in_scope(|| ());
        span.record("otel.name", "renamed");
        span.record("otel.status_code", "error");
    });
    assert_eq!(get(&span.attributes, "early"), Some(Value::I64(7)));
    assert_eq!(get(&span.attributes, "late"), Some(Value::I64(1)));
    assert_eq!(span.name, "renamed");
    assert_eq!(span.status, Status::error(""));
}

/// Five nested spans called `call` from four libraries cannot be told apart by their names.
#[test]
fn functions_are_named_with_their_module() {
    mod orders {
        #[tracing::instrument]
        pub(super) fn call() {}
    }
    let named = span(orders::call);
    let expected = concat!(module_path!(), "::orders::call");
    assert_eq!(
        get(&named.attributes, "code.function.name"),
        Some(expected.into())
    );
    let without = spans_with(|layer| layer.with_function_names(false), orders::call);
    assert_eq!(without[0].attributes, []);
}

#[test]
fn secrets_are_hidden_in_attributes_events_and_messages() {
    let work = || {
        let span = info_span!(
            "work",
            api_token = "hunter2",
            iban = "hunter2",
            uri = "/cb?token=hunter2&page=2",
            upstream = "postgres://ada:hunter2@h/db",
            prompt_tokens = 5,
            otel.status_description = "amqp://ada:hunter2@h"
        );
        span.in_scope(|| tracing::info!(password = 123, "for https://ada:hunter2@h/"));
    };
    let secrets = Secrets::default().also(["iban"]);
    let hidden = spans_with(|layer| layer.with_events(true).with_secrets(secrets), work);
    assert!(!format!("{hidden:?}").contains("hunter2"), "{hidden:?}");
    let span = &hidden[0];
    let shown = [
        ("api_token", "REDACTED".into()),
        ("iban", "REDACTED".into()),
        ("uri", "/cb?token=REDACTED&page=2".into()),
        ("upstream", "postgres://REDACTED:REDACTED@h/db".into()),
        ("prompt_tokens", 5.into()),
    ];
    for (key, value) in shown {
        assert_eq!(get(&span.attributes, key), Some(value), "{key}");
    }
    let event = &span.events.events[0];
    assert_eq!(get(&event.attributes, "password"), Some("REDACTED".into()));

    let off = spans_with(|layer| layer.with_secrets(Secrets::dangerously_off()), work);
    assert_eq!(get(&off[0].attributes, "api_token"), Some("hunter2".into()));
}
