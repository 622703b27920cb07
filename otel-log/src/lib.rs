//! Writes `tracing` events as JSON lines that carry the ids of their trace and span.
//!
//! ```
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use tracing_subscriber::prelude::*;
//!
//! let provider = SdkTracerProvider::builder().build(); // and an exporter
//! tracing_subscriber::registry()
//!     .with(otel_tracing::layer(&provider)) // or `tracing_opentelemetry::layer()`
//!     .with(otel_log::layer())
//!     .init();
//!
//! let span = tracing::info_span!("checkout", cart = 7);
//! span.in_scope(|| tracing::warn!(waited_ms = 1500, "pricing is slow"));
//! ```
//!
//! This writes one line (with line breaks added here):
//!
//! ```json
//! {"timestamp":"2026-11-22T10:20:30.000456Z","level":"WARN","target":"checkout",
//!  "message":"pricing is slow","waited_ms":1500,"cart":7,
//!  "trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","trace_flags":"01"}
//! ```
//!
//! # The line
//!
//! `timestamp` is RFC 3339 in UTC with microseconds. The fields of the event follow `message`. Then follow the fields of the
//! event's span, including those that [`Span::record`] added. Not written are the fields of spans further out
//! ([`Layer::spans`] changes that), and the four fields that control the span layer (`otel.name`, `otel.kind`,
//! `otel.status_code`, `otel.status_description`).
//!
//! | value | JSON |
//! | --- | --- |
//! | integers up to 128 bits, finite floats, Booleans | number, Boolean |
//! | NaN and infinities | `"NaN"`, `"inf"`, `"-inf"` |
//! | strings, `%` and `?` | string |
//! | `&dyn Error` | array of strings: the error, then its sources |
//! | bytes | string of lower-case hex digits |
//!
//! If a `Debug` or `Display` fails or panics, its value becomes `"<formatting failed>"` or `"<formatting panicked>"`, and the
//! rest of the line is written. (The panic hook still runs. tracing-opentelemetry does not catch such a panic if it records the
//! same event or span.) A text is cut after [16 KiB](Layer::value_limit). Fields that would make a line longer than
//! [128 KiB](Layer::line_limit) are left out.
//!
//! **Secrets** are redacted: fields whose names end in `password`, `token`, `authorization`, `cookie` and similar words, and the user
//! info of URLs in every text ([`Layer::secrets`]).
//!
//! **Each key appears once in a line:**
//!
//! - The names of the line itself ([`Key`] and [`fields`]) are reserved. Another field with such a name gets `field.` in front:
//!   an event's field `level` becomes `field.level`, and a span's field `message` becomes `field.message`. A field that is
//!   already called `field.level` becomes `field.field.level`.
//! - If event and span have a field of the same name, only the event's field is written, even if it has no value.
//! - If a callsite has two fields of the same name, only the first is written, even if it has no value.
//! - A raw identifier loses its mark: `r#type` becomes `type`.
//!
//! These decisions are made once for each callsite.
//!
//! Records of the `log` crate that tracing-log forwards look like events: they have their own target, and no `log.*` fields.
//!
//! # The ids
//!
//! | event | ids |
//! | --- | --- |
//! | with an explicit parent | those of the parent, or of the first span around it that the OpenTelemetry layer knows |
//! | with `parent: None` | none |
//! | any other | those of the active OpenTelemetry [`Context`], or, if the context has no span, of the current `tracing` span |
//!
//! Without a valid span, a line has no id fields.
//!
//! Until a span has been entered, events with that span as explicit parent use the ids of its parent. (Reading the span's own ids
//! would start it, and a later [`set_parent`] would fail.) While a thread ends and its locals are destroyed, lines are written
//! without ids once the OpenTelemetry context is destroyed.
//!
//! # Where to put the layer
//!
//! The layer works anywhere in a subscriber: with a filter, in an `Option`, a `Vec` or a `reload::Layer`, and several
//! times. A filter hides the fields of the spans that it filters out, but never the trace.
//!
//! With the layer of otel-tracing any order works. Put the layer after that of tracing-opentelemetry, and leave context activation
//! on. Otherwise a sampler or span processor that logs while a root span starts can deadlock: the line needs the ids of that span,
//! and tracing-opentelemetry holds a lock while it starts the span. (Events of OpenTelemetry's own crates cannot deadlock.)
//!
//! # Features
//!
//! | name | adds | default |
//! | --- | --- | --- |
//! | `records` | `record_layer`: passes the same events to an OpenTelemetry logger as log records | no |
//! | `sighup` | `BufferedWriter::file_reopened_on_sighup`: a log file that is reopened after SIGHUP | no |
//!
//! [`Context`]: opentelemetry::Context
//! [`Span::record`]: https://docs.rs/tracing/0.1/tracing/struct.Span.html#method.record
//! [`set_parent`]: tracing_opentelemetry::OpenTelemetrySpanExt::set_parent

/// Compiles the examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../docs/logs.md")]
mod guide {}

mod boxed_writer;
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
mod redaction;
mod scratch;

mod span_fields;
mod spans_around;
mod template;

mod timestamp;
mod value;
mod writer;

pub use self::boxed_writer::BoxedWriter;
pub use self::config::Spans;
pub use self::counts::Counts;
pub use self::format::{Format, Key};
pub use self::layer::{Layer, layer};
#[cfg(feature = "records")]
pub use self::records::{RecordLayer, record_layer};
pub use self::timestamp::Timestamp;
pub use self::writer::{BufferedWriter, FlushGuard, LineWriter};
pub use otel_core::redact::{self, Secrets};
