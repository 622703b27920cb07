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
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::{SpanRef, Status};
use opentelemetry::{Context, KeyValue, SpanId, trace::TraceContextExt};

const ERROR_TYPE: &str = "error.type";
const EXCEPTION: &str = "exception";
const EXCEPTION_TYPE: &str = "exception.type";
const EXCEPTION_MESSAGE: &str = "exception.message";
const EXCEPTION_STACKTRACE: &str = "exception.stacktrace";

/// Adds [`record_err`](RecordError::record_err) to results. The trait is sealed.
pub trait RecordError: sealed::Sealed {
    /// Records the error on the current span if the result is `Err`, and returns the result unchanged.
    ///
    /// Outside a span it does nothing. If the span is not sampled, the metric of its request still gets the `error.type`.
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
/// The message is exported unchanged. If the error's `Display` shows a secret, the span shows it too. Outside a span it
/// does nothing. If the span is not sampled, the metric of its request still gets the `error.type`.
pub fn record<E: Error + 'static>(error: &E) {
    Context::map_current(|context| record_on(&context.span(), error));
}

fn record_on<E: Error + 'static>(span: &SpanRef<'_>, error: &E) {
    let kind = error_type::<E>();
    if !span.is_recording() {
        if span.span_context().is_valid() {
            remember(span.span_context().span_id(), kind);
        }
        return;
    }
    let message = error.to_string();
    let mut attributes = vec![
        KeyValue::new(EXCEPTION_TYPE, kind),
        KeyValue::new(EXCEPTION_MESSAGE, message.clone()),
    ];
    if let Some(chain) = source_chain(error) {
        attributes.push(KeyValue::new(EXCEPTION_STACKTRACE, chain));
    }
    span.add_event(EXCEPTION, attributes);
    if remember(span.span_context().span_id(), kind) {
        span.set_attribute(KeyValue::new(ERROR_TYPE, kind));
    }
    span.set_status(Status::error(message));
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

/// Takes the `error.type` of the error that was [recorded](record) on a span.
///
/// For instrumentations that would set their own: the SDK keeps both values if an attribute is set twice, and a span's
/// attributes cannot be read.
#[doc(hidden)]
#[must_use]
pub fn take_recorded(span: SpanId) -> Option<&'static str> {
    let slot = slot_of(span);
    // Without a recorded error, no lock is taken.
    if span == SpanId::INVALID || !slot.is_of(span) {
        return None;
    }
    let error_type = slot.lock();
    slot.is_of(span).then(|| {
        slot.set_owner(SpanId::INVALID);
        *error_type
    })
}

/// Returns `true` if it is the span's first error.
///
/// The error of another span may overwrite the slot. The span then gets a second `error.type`, which is harmless.
fn remember(span: SpanId, error_type: &'static str) -> bool {
    let slot = slot_of(span);
    let mut kept = slot.lock();
    let is_first = !slot.is_of(span);
    if is_first {
        *kept = error_type;
        slot.set_owner(span);
    }
    is_first
}

struct Slot {
    /// The span that owns the slot, or zero. It changes only under the lock.
    span: AtomicU64,
    error_type: Mutex<&'static str>,
}

impl Slot {
    const fn empty() -> Self {
        Self {
            span: AtomicU64::new(0),
            error_type: Mutex::new(""),
        }
    }

    fn is_of(&self, span: SpanId) -> bool {
        self.span.load(Ordering::Relaxed) == number(span)
    }

    fn set_owner(&self, span: SpanId) {
        self.span.store(number(span), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, &'static str> {
        let error_type = self.error_type.lock();
        error_type.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Span ids are random, so the last byte distributes them evenly.
fn slot_of(span: SpanId) -> &'static Slot {
    static SLOTS: [Slot; 256] = [const { Slot::empty() }; 256];
    let [first, ..] = &SLOTS;
    let place = usize::from(span.to_bytes()[7]);
    SLOTS.get(place).unwrap_or(first)
}

fn number(span: SpanId) -> u64 {
    u64::from_be_bytes(span.to_bytes())
}

/// A limit for errors that name themselves as their source.
const MAX_SOURCES: usize = 32;

fn source_chain(error: &dyn Error) -> Option<String> {
    let mut chain = String::new();
    let mut source = error.source();
    for _ in 0..MAX_SOURCES {
        let Some(error) = source else { break };
        if !chain.is_empty() {
            chain.push('\n');
        }
        chain.push_str("caused by: ");
        chain.push_str(&error.to_string());
        source = error.source();
    }
    (!chain.is_empty()).then_some(chain)
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
    fn error_type_is_set_once_and_can_be_taken_once() {
        let span = span_around(|| {
            record(&std::io::Error::other("gone"));
            record(&PriceError("free".parse::<u64>().unwrap_err()));
        });
        let name = "std::io::error::Error";
        assert_eq!(span.attributes, [KeyValue::new("error.type", name)]);
        let id = span.span_context.span_id();
        assert_eq!(take_recorded(id), Some(name));
        assert_eq!(take_recorded(id), None);
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
