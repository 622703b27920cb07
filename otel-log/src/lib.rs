//! Writes `tracing` events as JSON lines that carry the ids of their trace and span.
//!
//! ```
//! use opentelemetry::trace::TracerProvider as _;
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use tracing_subscriber::{Layer as _, filter::filter_fn, prelude::*};
//!
//! let provider = SdkTracerProvider::builder().build(); // and an exporter
//! let otel_layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("checkout"));
//! tracing_subscriber::registry()
//!     // Spans only: taking events as well costs more than the line itself.
//!     .with(otel_layer.with_filter(filter_fn(|metadata| metadata.is_span())))
//!     .with(otel_log::layer())
//!     .init();
//!
//! let span = tracing::info_span!("checkout", cart = 7);
//! span.in_scope(|| tracing::warn!(waited_ms = 1500, "pricing is slow"));
//! ```
//!
//! writes one line, here broken for reading:
//!
//! ```json
//! {"timestamp":"2026-11-22T10:20:30.000456Z","level":"WARN","target":"checkout",
//!  "message":"pricing is slow","waited_ms":1500,"cart":7,
//!  "trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","trace_flags":"01"}
//! ```
//!
//! # The line
//!
//! `timestamp` is RFC 3339 in UTC with microseconds. The fields of the event follow `message`, then those of the event's
//! span, with what [`Span::record`] added. Fields of spans further out are not written, nor the four fields with which
//! tracing-opentelemetry is told about a span (`otel.name`, `otel.kind`, `otel.status_code`, `otel.status_description`).
//!
//! | value | JSON |
//! | --- | --- |
//! | integers up to 128 bits, finite floats, booleans | number, boolean |
//! | NaN and infinities | `"NaN"`, `"inf"`, `"-inf"` |
//! | strings, `%` and `?` | string |
//! | `&dyn Error` | array of strings: the error, then its sources |
//! | bytes | string of lower-case hex digits |
//!
//! A `Debug` or `Display` that fails or panics costs its own value only, which becomes `"<formatting failed>"` or
//! `"<formatting panicked>"`. (A panic still reaches the panic hook; and tracing-opentelemetry, if it is given events or the
//! span in question, has no such protection.) A text is cut after [16 KiB](Layer::value_limit), and fields are left out of
//! lines that would have more than [128 KiB](Layer::line_limit).
//!
//! **Secrets** are redacted: fields whose names end in `password`, `token`, `authorization`, `cookie` and the like
//! ([`Layer::secret_fields`]).
//!
//! **Each key stands once in a line.** The names of the line itself ([`Key`], and those of [`fields`]) belong to it: another
//! field with such a name gets `field.` in front, so an event's field `level` becomes `field.level`, a span's field `message`
//! becomes `field.message`, and to keep them apart `field.level` becomes `field.field.level`. A field of the event beats one of
//! the span, and the first of two in the same callsite beats the second, also where one of them has no value. All this is
//! decided once for each callsite. A raw identifier loses its mark: `r#type` is `type`.
//!
//! Records of the `log` crate, where tracing-log passes them on, look like events: with their own target, without `log.*`.
//!
//! # The ids
//!
//! An event with an explicit parent has the ids of that span, or of the first around it that the OpenTelemetry layer knows. An
//! event with `parent: None` has none. Any other has those of the active OpenTelemetry [`Context`], or, where that holds no
//! span, those of the current `tracing` span. Without a valid span the three fields are absent.
//!
//! Reading ids never starts a span that was not entered yet, since [`set_parent`] would then fail: until it is entered, an
//! explicit parent's events have the ids of the span around it. While the locals of a thread are destroyed, lines are written
//! without ids once the OpenTelemetry context is gone.
//!
//! # Where to put the layer
//!
//! Anywhere: with a filter of its own, in an `Option`, a `Vec` or a `reload::Layer`, several times. A filter hides the fields of
//! the spans that it leaves out, never the trace.
//!
//! Prefer the place after the OpenTelemetry layer, and leave context activation on. Otherwise a sampler or span processor that
//! logs while a root span starts may wait for itself for ever, since the line's ids are then asked for under the lock that
//! tracing-opentelemetry starts the span with. (What OpenTelemetry's own crates log is safe.)
//!
//! # Features
//!
//! | name | what it adds | default |
//! | --- | --- | --- |
//! | `records` | `record_layer`: the same events as log records of OpenTelemetry, for an exporter | no |
//! | `sighup` | a log file that is opened again after SIGHUP | no |
//!
//! [`Context`]: opentelemetry::Context
//! [`Span::record`]: https://docs.rs/tracing/0.1/tracing/struct.Span.html#method.record
//! [`set_parent`]: tracing_opentelemetry::OpenTelemetrySpanExt::set_parent

/// The guide's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../../docs/logs.md")]
mod guide {}

mod callsites;
mod config;
mod counts;
mod facts;
pub mod fields;
mod format;
mod ids;
mod json;
mod keys;
mod layer;
mod line;
mod members;
mod names;
mod notice;
mod plan;
mod pretty;
mod rate_limit;
#[cfg(feature = "records")]
mod records;
mod scratch;
mod secret;
mod span_data;
mod span_fields;
mod template;
mod text;
mod timestamp;
mod value;
mod writer;

pub use self::config::Spans;
pub use self::counts::Counts;
pub use self::format::{Format, Key};
pub use self::layer::{Layer, layer};
#[cfg(feature = "records")]
pub use self::records::{RecordLayer, record_layer};
pub use self::secret::{REDACTED, SecretNames};
pub use self::timestamp::Timestamp;
pub use self::writer::{BufferedWriter, FlushGuard, LineWriter};
