//! A sampler that does what a request asks for.

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{Link, SpanKind, TraceContextExt as _, TraceState};
use opentelemetry::{Context, KeyValue, TraceId};
use opentelemetry_sdk::trace::{SamplingDecision, SamplingResult, ShouldSample};
use otel_core::propagation::{SamplingRequest, with_baggage_of};

/// A sampler that decides as the incoming request asks, and otherwise as the sampler inside it.
///
/// [`init`](crate::init) puts it around every sampler. With a provider of your own, wrap its sampler:
///
/// ```
/// use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
/// use otel_setup::RequestSampler;
///
/// let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.1)));
/// let provider = SdkTracerProvider::builder()
///     .with_sampler(RequestSampler::new(sampler))
///     .build();
/// # drop(provider);
/// ```
///
/// - The inner sampler decides as for a root if the trust policy is `Trust::Resample`, or if a B3 caller has left the decision to
///   the receiver. It gets the caller's trace id, the attributes and the baggage, but no parent.
/// - The span is sampled without asking the inner sampler if the caller sends B3's debug flag, or the header of
///   `ServerLayer::force_sampling_header`. So are the spans inside it.
/// - The inner sampler decides about all other spans, with their own parents.
///
/// Without this sampler, a request that asks for a sampled trace has the sampled bit set, which `Sampler::ParentBased` follows. A
/// B3 caller that has not decided counts as sampled, and `Trust::Resample` follows the caller.
#[derive(Debug, Clone)]
pub struct RequestSampler<S>(S);

impl<S: ShouldSample> RequestSampler<S> {
    /// Makes a sampler around another sampler.
    pub fn new(sampler: S) -> Self {
        Self(sampler)
    }
}

impl<S: ShouldSample + Clone + 'static> ShouldSample for RequestSampler<S> {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let Some((caller, request)) = parent.and_then(requested) else {
            return (self.0).should_sample(parent, trace, name, kind, attributes, links);
        };
        let mut result = if request == SamplingRequest::Sample {
            SamplingResult {
                decision: SamplingDecision::RecordAndSample,
                attributes: Vec::new(),
                trace_state: TraceState::NONE,
            }
        } else {
            let root = Some(&without_span(caller));
            (self.0).should_sample(root, trace, name, kind, attributes, links)
        };
        result.trace_state = caller.span().span_context().trace_state().clone();
        result
    }
}

fn requested(parent: &Context) -> Option<(&Context, SamplingRequest)> {
    SamplingRequest::from_parent(parent).map(|request| (parent, request))
}

/// Returns a context with the same baggage and without a span. A `Context` cannot be copied without its span.
fn without_span(context: &Context) -> Context {
    if context.baggage().is_empty() {
        return Context::new();
    }
    with_baggage_of(&Context::new(), context)
}
