//! Records an error on the current span: the exception event, the ERROR status and `error.type` in one call.
//!
//! A common mistake is to set only one of them: an event without the status, or a status without `error.type`.
//! [`RecordError::record_err`] sets all three on the span that is active when it is called:
//!
//! ```
//! use otel_core::error::RecordError as _;
//!
//! fn price(text: &str) -> Result<u64, std::num::ParseIntError> {
//!     text.parse::<u64>().record_err()
//! }
//! # assert!(price("free").is_err());
//! ```

use std::any::type_name;
use std::error::Error;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};

use crate::limits::{MAX_SOURCES, MAX_TEXT, cut};
use crate::span_fields::text::{CUT, chain, push_formatted};
use crate::{redact, request_cell};

const ERROR_TYPE: &str = "error.type";
const EXCEPTION: &str = "exception";
const EXCEPTION_TYPE: &str = "exception.type";
const EXCEPTION_MESSAGE: &str = "exception.message";
const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";

/// Adds [`record_err`](RecordError::record_err) to results. The trait is sealed.
pub trait RecordError: sealed::Sealed {
    /// Records the error on the current span if the result is `Err`, and returns the result unchanged.
    ///
    /// [`record`] describes what is recorded.
    #[must_use = "the result is returned, not handled"]
    fn record_err(self) -> Self;
}

impl<T, E: Error + 'static> RecordError for Result<T, E> {
    fn record_err(self) -> Self {
        if let Err(error) = &self {
            record(error);
        }
        self
    }
}

/// Records an error on the current span: the event `exception` with its type, message and source chain, the status ERROR
/// with the message, and `error.type`.
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
pub fn record<E: Error + 'static>(error: &E) {
    let active = Context::current();
    let kind = error_type::<E>();
    let span = active.span();
    if !span.is_recording() {
        request_cell::record_error(&active, kind, None);
        return;
    }
    let message = text(error, MAX_TEXT);
    let mut attributes = vec![
        KeyValue::new(EXCEPTION_TYPE, kind),
        KeyValue::new(EXCEPTION_MESSAGE, message.clone()),
    ];
    if let Some(chain) = source_chain(error) {
        attributes.push(KeyValue::new(EXCEPTION_STACKTRACE, chain));
    }
    span.add_event(EXCEPTION, attributes);
    if !request_cell::record_error(&active, kind, Some(&message)) {
        span.set_attribute(KeyValue::new(ERROR_TYPE, kind));
        span.set_status(Status::error(message));
    }
}

/// Returns the `error.type` for an error type: its full name without type parameters.
///
/// Returns `_OTHER` for an erased type, as the conventions ask if nothing better is known.
#[doc(hidden)]
#[must_use]
pub fn error_type<E>() -> &'static str {
    let name = type_name::<E>();
    if name.contains("dyn ") {
        return "_OTHER";
    }
    name.split_once('<').map_or(name, |(outer, _)| outer)
}

/// Returns the text of an error, without the user info of URLs, cut after `limit` bytes. `to_string` would panic if the error's
/// `Display` fails.
fn text(error: &dyn Error, limit: usize) -> String {
    let mut text = String::new();
    // Longer than the limit, so that the end of a password is found.
    let end = push_formatted(format_args!("{error}"), 2 * limit, |part| {
        text.push_str(part)
    });
    let safe = redact::current().text(&text);
    let end = end.unwrap_or_default();
    if safe.len() <= limit && end != CUT {
        return safe.into_owned() + end;
    }
    [cut(&safe, limit), CUT].concat()
}

fn source_chain(error: &(dyn Error + 'static)) -> Option<String> {
    let mut texts = String::new();
    for source in chain(error).skip(1) {
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

    #[test]
    fn an_erased_error_type_is_other() {
        let span = span_around(|| record(&std::io::Error::other("gone")));
        assert_eq!(
            span.attributes[0].value,
            Value::from("std::io::error::Error")
        );
        assert_eq!(error_type::<Box<dyn Error>>(), "_OTHER");
    }

    #[test]
    fn outside_a_span_nothing_happens() {
        record(&std::io::Error::other("gone"));
    }
}
