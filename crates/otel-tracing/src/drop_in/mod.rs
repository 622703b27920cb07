//! Lets tracing-opentelemetry's `OpenTelemetrySpanExt` and `get_otel_context` work on the spans of this layer.
//!
//! They look for a private type in the subscriber. Its functions look for an `OpenTelemetryLayer<S, T>` and for a subscriber `S`, and
//! read private data from the extensions of `S`'s spans. `S` and `T` can be any types. So this layer holds an
//! `OpenTelemetryLayer<Shadows, ProxyTracer>` that never sees a callback, and answers for it in `downcast_raw`. `Shadows` returns
//! a shadow for each span it is asked for: a span of another registry, which holds tracing-opentelemetry's data. `ProxyTracer`
//! starts the real span when that data becomes a span, or returns a proxy of the real span.
//!
//! A span has a shadow only if the extension trait is used on it.

mod lookup;
mod proxy;
mod shadows;

pub(crate) use self::shadows::DropIn;
