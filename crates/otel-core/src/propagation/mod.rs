//! Carries the trace and the baggage from process to process: propagators, their formats as types, and header carriers.
//!
//! The propagators are ordinary [`TextMapPropagator`]s and can be set as the global one:
//!
//! ```
//! use otel_core::{opentelemetry::global, propagation};
//!
//! // OTEL_PROPAGATORS, or tracecontext and baggage
//! global::set_text_map_propagator(propagation::from_env()?);
//! # Ok::<(), propagation::PropagatorError>(())
//! ```
//!
//! | format | propagator | as a value |
//! | --- | --- | --- |
//! | W3C Trace Context level 2 | [`TraceContextPropagator`] | [`Traceparent`], [`Tracestate`] |
//! | W3C Baggage | [`BaggagePropagator`] | the API's `Baggage` |
//! | B3, single header and several | [`B3Propagator`] | [`B3`] |
//! | what `OTEL_PROPAGATORS` names | [`CompositePropagator`] | |
//!
//! What they read is checked strictly, and what is invalid counts as absent: extracting never fails and never panics.
//! The types tell the reason, as a [`ParseError`].
//!
//! What a `SpanContext` cannot hold travels as a value of the `Context`: the random flag, a tracestate with level-2 keys,
//! B3's debug and deferred states. It is sent again for the same trace-id, from spans of any SDK, sampled or not, so
//! start spans under the extracted context itself and not under its `SpanContext` alone.
//!
//! [`extract`] and [`inject`] work on `http::HeaderMap`; for other carriers call the propagator. A carrier of your own
//! should implement `Extractor::get_all`: with `get` alone, repeated headers cannot be told from a single one.
//!
//! [`TextMapPropagator`]: opentelemetry::propagation::TextMapPropagator

mod b3;
mod b3_propagator;
mod baggage;
mod baggage_member;
mod carrier;
mod composite;
mod hex;
mod list;
mod parse_error;
mod remote;
mod stale_fields;
mod trace_context;
mod traceparent;
mod tracestate;

pub use self::{
    b3::{B3, B3Sampling},
    b3_propagator::B3Propagator,
    baggage::BaggagePropagator,
    carrier::{HeaderExtractor, HeaderInjector, extract, inject},
    composite::{CompositePropagator, PropagatorError, from_env},
    parse_error::ParseError,
    stale_fields::for_each_stale_field,
    trace_context::TraceContextPropagator,
    traceparent::Traceparent,
    tracestate::Tracestate,
};
