//! Propagates the trace and the baggage between processes: propagators, the header formats as types, and carriers.
//!
//! The propagators are ordinary [`TextMapPropagator`]s. Set one as the global propagator:
//!
//! ```
//! use otel_core::{opentelemetry::global, propagation};
//!
//! // OTEL_PROPAGATORS, or tracecontext and baggage
//! global::set_text_map_propagator(propagation::from_env()?);
//! # Ok::<(), propagation::PropagatorError>(())
//! ```
//!
//! | format | propagator | type |
//! | --- | --- | --- |
//! | W3C Trace Context level 2 | [`TraceContextPropagator`] | [`Traceparent`], [`Tracestate`] |
//! | W3C Baggage | [`BaggagePropagator`] | the API's `Baggage` |
//! | B3, single header and `X-B3-*` | [`B3Propagator`] | [`B3`] |
//! | the formats in `OTEL_PROPAGATORS` | [`CompositePropagator`] | |
//!
//! Headers are checked strictly, and an invalid header counts as absent. Extraction never fails and never panics. To get the
//! reason, parse the header as its type: the error is a [`ParseError`].
//!
//! Some of the incoming context does not fit into a `SpanContext`: a tracestate with level-2 keys, B3's debug and deferred states,
//! and the random flag of a span that is not recorded. These travel as a value of the `Context` and are sent again for the same
//! trace-id, from spans of any SDK, sampled or not. So start spans under the extracted `Context`, not under its `SpanContext`.
//!
//! [`extract`] and [`inject`] work on `http::HeaderMap`. For other carriers call the propagator, and call
//! [`for_each_stale_field`] before you inject. Your extractor should implement `Extractor::get_all`: with `get` only, a repeated
//! header looks like a single one.
//!
//! [`TextMapPropagator`]: opentelemetry::propagation::TextMapPropagator

mod b3;
mod b3_propagator;
mod baggage;
mod baggage_member;
mod carrier;
mod composite;
mod found;
mod hex;
mod list;
mod parse_error;
mod refusal;
mod remote;
mod stale_fields;
mod trace_context;
mod traceparent;
mod tracestate;

pub use self::{
    b3::{B3, B3Sampling},
    b3_propagator::B3Propagator,
    baggage::BaggagePropagator,
    carrier::{extract, inject},
    composite::{CompositePropagator, PropagatorError, from_env},
    parse_error::ParseError,
    stale_fields::for_each_stale_field,
    trace_context::TraceContextPropagator,
    traceparent::Traceparent,
    tracestate::Tracestate,
};
#[doc(hidden)]
pub use self::{
    baggage::with_baggage_of,
    remote::{SamplingRequest, trace_flags},
};
