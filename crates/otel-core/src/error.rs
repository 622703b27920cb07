//! Records an error on the current span: the exception event, the ERROR status and `error.type` in one call.
//!
//! A common mistake is to set only one of them: an event without the status, or a status without `error.type`.
//! [`record`] sets all three on the span that is active when it is called. [`record_err`](RecordError::record_err) does the same for
//! the error of a result:
//!
//! ```
//! use otel_core::error::{self, RecordError as _};
//!
//! fn price(text: &str) -> Result<u64, std::num::ParseIntError> {
//!     text.parse::<u64>().record_err()
//! }
//!
//! fn price_or_default(text: &str) -> u64 {
//!     match text.parse() {
//!         Ok(price) => price,
//!         Err(error) => {
//!             error::record(&error);
//!             250
//!         }
//!     }
//! }
//! # assert!(price("free").is_err());
//! # assert_eq!(price_or_default("free"), 250);
//! ```
//!
//! # Values of `error.type`
//!
//! | error | `error.type` |
//! | --- | --- |
//! | an error with a name ([`record_as`], [`record_err_as`](RecordError::record_err_as)) | that name |
//! | a type of yours or of a library | its path without type parameters, such as `shop::PriceError` |
//! | `std::io::Error` | `std::io::Error` |
//! | a reference, `Box`, `Arc`, `Option` and other types of the standard library around an error | as the error inside |
//! | a trait object (`dyn Error`), a text, a number, a tuple, a closure | `_OTHER`, as the conventions ask if nothing better is known |
//!
//! An enum can name its variants, so that each of them can be counted:
//!
//! ```
//! use otel_core::error::{self, RecordError as _};
//! # use std::fmt;
//!
//! #[derive(Debug)]
//! enum PaymentError { Declined, Expired }
//! # impl fmt::Display for PaymentError {
//! #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("the payment failed") }
//! # }
//! # impl std::error::Error for PaymentError {}
//!
//! impl PaymentError {
//!     fn kind(&self) -> &'static str {
//!         match self {
//!             Self::Declined => "declined",
//!             Self::Expired => "expired",
//!         }
//!     }
//! }
//!
//! fn pay(amount: u64) -> Result<(), PaymentError> {
//!     let paid = if amount < 100 { Ok(()) } else { Err(PaymentError::Declined) };
//!     paid.record_err_as(PaymentError::kind)
//! }
//!
//! let expired = PaymentError::Expired;
//! error::record_as(&expired, expired.kind());
//! # assert!(pay(250).is_err());
//! ```

use std::any::type_name;
use std::error::Error;
use std::io;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use crate::limits::{MAX_SOURCES, MAX_TEXT, cut};
use crate::span_fields::text::{CUT, chain, push_formatted};
use crate::type_path::type_path;
use crate::{redact, request_cell};

const ERROR_TYPE: &str = "error.type";
const EXCEPTION: &str = "exception";
const EXCEPTION_TYPE: &str = "exception.type";
const EXCEPTION_MESSAGE: &str = "exception.message";
const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";

/// The `error.type` if nothing better is known.
const OTHER: &str = "_OTHER";

/// Adds [`record_err`](RecordError::record_err) to results. The trait is sealed.
pub trait RecordError: sealed::Sealed {
    /// The error of the result.
    type Error;

    /// Records the error on the current span if the result is `Err`, and returns the result unchanged.
    ///
    /// [`record`] describes what is recorded.
    #[must_use = "the result is returned, not handled"]
    fn record_err(self) -> Self;

    /// Records the error as [`record_err`](Self::record_err) does, with the `error.type` that the function returns for it.
    ///
    /// See [`record_as`].
    #[must_use = "the result is returned, not handled"]
    fn record_err_as(self, name: impl FnOnce(&Self::Error) -> &'static str) -> Self;
}

impl<T, E: Error + 'static> RecordError for Result<T, E> {
    type Error = E;

    fn record_err(self) -> Self {
        if let Err(error) = &self {
            record(error);
        }
        self
    }

    fn record_err_as(self, name: impl FnOnce(&E) -> &'static str) -> Self {
        if let Err(error) = &self {
            record_as(error, name(error));
        }
        self
    }
}

/// Records an error on the current span: the event `exception` with its type, message and source chain, the status ERROR
/// with the message, and `error.type`.
///
/// The [module](self#values-of-errortype) lists the values of `error.type`. For an erased error, such as `Box<dyn Error>` or
/// `anyhow::Error`, pass a reference to the error inside: `record(error.as_ref())`.
///
/// User info of URLs in the message is replaced with `REDACTED`. If the error's `Display` shows another secret, the span shows it
/// too. An error often repeats what a client has sent, so a message is cut after 1,024 bytes, and the source chain after 4,096.
/// Outside a span this function does nothing.
///
/// On the SERVER span of a request the event is recorded now, and status and `error.type` when the request ends. The last word
/// counts: of this function, of [`CurrentRequest::set_error`](crate::CurrentRequest::set_error), and of the hooks that run later.
/// The metrics of the request get the `error.type` too, also if the span is not sampled. Without an SDK a request has no
/// spans, so every error that is recorded in it is an error of the request.
///
/// On any other span each call sets `error.type`. The SDK then exports both values; `otel-setup` exports the last one.
pub fn record<E: Error + ?Sized + 'static>(error: &E) {
    record_as(error, error_type::<E>());
}

/// Records an error as [`record`] does, with this `error.type`.
///
/// Use one of few values, such as the name of an enum's variant: each is a time series of the request's metrics.
pub fn record_as<E: Error + ?Sized + 'static>(error: &E, error_type: &'static str) {
    let active = Context::current();
    let span = active.span();
    if !span.is_recording() {
        request_cell::record_error(&active, error_type, None);
        return;
    }
    let message = text(error, MAX_TEXT);
    let mut attributes = vec![
        KeyValue::new(EXCEPTION_TYPE, self::error_type::<E>()),
        KeyValue::new(EXCEPTION_MESSAGE, message.clone()),
    ];
    if let Some(chain) = source_chain(error.source()) {
        attributes.push(KeyValue::new(EXCEPTION_STACKTRACE, chain));
    }
    span.add_event(EXCEPTION, attributes);
    if !request_cell::record_error(&active, error_type, Some(&message)) {
        span.set_attribute(KeyValue::new(ERROR_TYPE, error_type));
        span.set_status(Status::error(message));
    }
}

/// Returns the `error.type` for an error type: its path without type parameters.
///
/// Returns `_OTHER` for a type that does not name an error, as the [module](self#values-of-errortype) lists.
#[doc(hidden)]
#[must_use]
pub fn error_type<E: ?Sized>() -> &'static str {
    match type_path(type_name::<E>()) {
        // The path of its private module differs between versions of Rust.
        Some(path) if path == type_name::<io::Error>() => "std::io::Error",
        Some(path) => path,
        None => OTHER,
    }
}

/// Returns the text of an error, without the user info of URLs, cut after `limit` bytes. `to_string` would panic if the error's
/// `Display` fails.
fn text(error: &(impl Error + ?Sized), limit: usize) -> String {
    let mut text = String::new();
    // Longer than the limit, so that the end of a password is found.
    let end = push_formatted(format_args!("{error}"), 2 * limit, |part| {
        text.push_str(part);
    });
    let safe = redact::current().text(&text);
    let end = end.unwrap_or_default();
    if safe.len() <= limit && end != CUT {
        return safe.into_owned() + end;
    }
    [cut(&safe, limit), CUT].concat()
}

fn source_chain(source: Option<&(dyn Error + 'static)>) -> Option<String> {
    let mut texts = String::new();
    for source in source.into_iter().flat_map(chain) {
        let Some(left) = MAX_SOURCES.checked_sub(texts.len()) else {
            break;
        };
        if !texts.is_empty() {
            texts.push('\n');
        }
        texts.push_str("caused by: ");
        texts.push_str(&text(source, left.min(MAX_TEXT)));
    }
    (!texts.is_empty()).then_some(texts)
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "the name is private so that the trait stays sealed"
    )]
    pub trait Sealed {}
    impl<T, E> Sealed for Result<T, E> {}
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::rc::Rc;
    use std::sync::Arc;

    use opentelemetry::Value;
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};

    use super::*;

    #[derive(Debug)]
    struct PriceError(std::num::ParseIntError);

    impl fmt::Display for PriceError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the price is not a number")
        }
    }

    impl Error for PriceError {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    fn span_around(work: impl FnOnce()) -> SpanData {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        provider.tracer("test").in_span("work", |_| work());
        exporter.get_finished_spans().unwrap().remove(0)
    }

    #[test]
    fn an_error_sets_event_status_and_error_type_together() {
        let span = span_around(|| {
            let failed: Result<u64, _> = "free".parse::<u64>().map_err(PriceError);
            assert!(failed.record_err().is_err());
        });
        let name = "otel_core::error::tests::PriceError";
        assert_eq!(span.status, Status::error("the price is not a number"));
        assert_eq!(
            span.attributes,
            vec![KeyValue::new("error.type", name.to_owned())]
        );
        let event = &span.events.events[0];
        assert_eq!(event.name, "exception");
        assert_eq!(
            event.attributes,
            vec![
                KeyValue::new("exception.type", name),
                KeyValue::new("exception.message", "the price is not a number"),
                KeyValue::new(
                    "exception.stacktrace",
                    "caused by: invalid digit found in string"
                ),
            ]
        );
    }

    #[test]
    fn a_long_message_and_long_sources_are_cut() {
        #[derive(Debug)]
        struct Repeated(Option<Box<Self>>);
        impl fmt::Display for Repeated {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&"grün".repeat(100_000))
            }
        }
        impl Error for Repeated {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(self.0.as_deref()?)
            }
        }
        let chain = (0..20).fold(Repeated(None), |source, _| Repeated(Some(Box::new(source))));
        let span = span_around(|| record(&chain));
        let Status::Error { description } = &span.status else {
            panic!("{:?}", span.status);
        };
        assert!(description.ends_with("…[cut]"), "{description}");
        assert!(description.len() < 1_024 + 16, "{}", description.len());
        let event = &span.events.events[0];
        let lengths = event.attributes.iter().map(|it| it.value.as_str().len());
        let lengths: Vec<_> = lengths.collect();
        assert_eq!(lengths[1], description.len());
        assert!((4_096..4_096 + 32).contains(&lengths[2]), "{lengths:?}");
    }

    #[test]
    fn an_ok_result_records_nothing() {
        let span = span_around(|| {
            assert!(Ok::<_, PriceError>(1).record_err().is_ok());
        });
        assert_eq!(span.status, Status::Unset);
        assert!(span.events.events.is_empty());
    }

    fn error_type_of(span: &SpanData) -> &Value {
        assert_eq!(span.attributes.len(), 1, "{span:?}");
        &span.attributes[0].value
    }

    #[test]
    fn an_io_error_is_called_std_io_error_under_every_cover() {
        let span = span_around(|| record(&std::io::Error::other("gone")));
        assert_eq!(error_type_of(&span), &Value::from("std::io::Error"));
        for name in [
            error_type::<std::io::Error>(),
            error_type::<&std::io::Error>(),
            error_type::<Arc<std::io::Error>>(),
            error_type::<Box<std::io::Error>>(),
            error_type::<Option<Rc<std::io::Error>>>(),
        ] {
            assert_eq!(name, "std::io::Error");
        }
    }

    #[test]
    fn an_error_type_is_never_a_text_a_pointer_or_a_closure() {
        fn of<E>(_: &E) -> &'static str {
            error_type::<E>()
        }
        let failed = || {
            struct Failed;
            (of(&Failed), of(&Arc::new(Failed)))
        };
        assert_eq!(failed(), ("Failed", "Failed"));
        let own = "otel_core::error::tests::PriceError";
        assert_eq!(error_type::<Arc<PriceError>>(), own);
        assert_eq!(error_type::<Box<PriceError>>(), own);
        assert_eq!(error_type::<&&PriceError>(), own);
        for name in [
            error_type::<dyn Error>(),
            error_type::<Box<dyn Error>>(),
            error_type::<Box<dyn Error + Send + Sync>>(),
            error_type::<Arc<dyn Error + Send + Sync>>(),
            error_type::<&'static str>(),
            error_type::<String>(),
            error_type::<Box<str>>(),
            error_type::<std::borrow::Cow<'static, str>>(),
            error_type::<()>(),
            error_type::<(PriceError, u8)>(),
            error_type::<[PriceError; 2]>(),
            error_type::<Option<()>>(),
            error_type::<fn() -> PriceError>(),
            of(&failed),
            of(&Box::new(failed)),
            of(&std::convert::identity::<u8>),
        ] {
            assert_eq!(name, "_OTHER");
        }
    }

    #[test]
    fn an_enum_names_its_variants() {
        let named: fn(&PriceError) -> &'static str = |_| "not_a_number";
        let failed = || "free".parse::<u64>().map_err(PriceError);
        let by_method = span_around(|| assert!(failed().record_err_as(named).is_err()));
        let by_function = span_around(|| {
            let error = failed().unwrap_err();
            record_as(&error, named(&error));
        });
        for span in [by_method, by_function] {
            assert_eq!(error_type_of(&span), &Value::from("not_a_number"));
            let exception = &span.events.events[0].attributes[0];
            let name = "otel_core::error::tests::PriceError";
            assert_eq!(exception, &KeyValue::new("exception.type", name));
        }
    }

    #[test]
    fn an_erased_error_is_recorded_with_its_message_and_source() {
        let span = span_around(|| {
            let error = "free".parse::<u64>().map_err(PriceError).unwrap_err();
            let error: Box<dyn Error + Send + Sync> = error.into();
            record(error.as_ref());
        });
        assert_eq!(error_type_of(&span), &Value::from("_OTHER"));
        assert_eq!(span.status, Status::error("the price is not a number"));
        assert_eq!(span.events.events[0].attributes.len(), 3);
    }

    #[test]
    fn outside_a_span_nothing_happens() {
        record(&std::io::Error::other("gone"));
    }
}
