use std::sync::LazyLock;

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanContext, TraceContextExt as _, TraceId},
};

use super::{
    b3::{self, B3, B3Sampling},
    found::FoundHeaders,
    list,
    parse_error::ParseError,
    refusal,
    remote::RemoteContext,
};
use crate::context_loss::LossKind;

/// Carries the trace in B3 headers, as Zipkin and Envoy do. It reads both forms of B3 and sends the form chosen by the constructor.
///
/// The single header `b3` takes precedence. If it is missing or malformed, the `X-B3-*` headers are read. If these are malformed
/// too, the parent context stays as it is.
///
/// | caller sends | sampled bit of the parent | sent on with an SDK | sent on without an SDK |
/// | --- | --- | --- | --- |
/// | `1`, `0` | as sent | the span's decision | as received |
/// | debug | set | debug | debug |
/// | no state (deferred) | set | the span's decision | no state |
/// | `1`, `0` without ids | as sent, in an invalid context | the span's decision | as received, without ids |
/// | `d` without ids | set, in an invalid context | debug | as received, without ids |
///
/// A deferred decision is the sampler's: `otel_setup` asks it as for a root. Any other sampler sees the sampled bit, because a
/// sampler that follows its parent would otherwise drop the trace. With `otel_setup`, debug is sampled by every sampler.
///
/// A decision without ids becomes an active but invalid span context. The trace begins here with a new trace-id, and the SDK's
/// `Sampler::ParentBased` follows the decision. The SDK's `ParentBasedSampler` does not: it asks the root sampler. A custom
/// sampler reads the decision with [`B3Propagator::decision`].
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use opentelemetry::{propagation::TextMapPropagator as _, Context};
/// use otel_core::propagation::B3Propagator;
///
/// let mut headers = HashMap::new();
/// headers.insert("b3".to_owned(), "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-d".to_owned());
/// let cx = B3Propagator::single().extract_with_context(&Context::new(), &headers);
///
/// let mut sent = HashMap::new();
/// B3Propagator::multi().inject_context(&cx, &mut sent);
/// assert_eq!(sent["x-b3-traceid"], "80f198ee56343ba864fe8b2a57d3eff7");
/// assert_eq!(sent["x-b3-flags"], "1");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct B3Propagator {
    sends: Form,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Single,
    Multi,
    Both,
}

impl B3Propagator {
    /// Creates a propagator that sends the header `b3`. This is the default.
    #[must_use]
    pub const fn single() -> Self {
        Self {
            sends: Form::Single,
        }
    }

    /// Creates a propagator that sends the `X-B3-*` headers.
    #[must_use]
    pub const fn multi() -> Self {
        Self { sends: Form::Multi }
    }

    /// Creates a propagator that sends both `b3` and the `X-B3-*` headers.
    #[must_use]
    pub const fn both() -> Self {
        Self { sends: Form::Both }
    }

    /// Returns a decision that was received without ids, such as `b3: 0`. It is meant for samplers.
    #[must_use]
    pub fn decision(cx: &Context) -> Option<B3Sampling> {
        RemoteContext::decision(cx)
    }

    /// Adds B3's debug or deferred state to a context from traceparent, if both headers have the same ids.
    pub(super) fn complete(self, traced: Context, extractor: &dyn Extractor) -> Context {
        let Some(b3) = read(extractor, |_| {}) else {
            return traced;
        };
        let span = traced.span();
        let span = span.span_context();
        let same = b3.ids() == Some((span.trace_id(), span.span_id())) && span.is_sampled();
        if !same || !matches!(b3.sampling(), B3Sampling::Debug | B3Sampling::Defer) {
            return traced;
        }
        let w3c = RemoteContext::for_span(&traced, span);
        let remote = RemoteContext {
            trace_id: span.trace_id(),
            random: w3c.is_some_and(|w3c| w3c.random),
            tracestate: w3c.and_then(|w3c| w3c.tracestate.clone()),
            b3: Some(b3.sampling()),
            request: None,
        };
        traced.with_value(remote)
    }

    fn send_multi(injector: &mut dyn Injector, b3: &B3) {
        if let Some((trace_id, span_id)) = b3.ids() {
            injector.set(b3::TRACE_ID, trace_id.to_string());
            injector.set(b3::SPAN_ID, span_id.to_string());
        }
        match b3.sampling() {
            B3Sampling::Debug => injector.set(b3::FLAGS, "1".to_owned()),
            B3Sampling::Accept => injector.set(b3::SAMPLED, "1".to_owned()),
            B3Sampling::Deny => injector.set(b3::SAMPLED, "0".to_owned()),
            B3Sampling::Defer => {}
        }
    }
}

impl TextMapPropagator for B3Propagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        let span = span.span_context();
        let b3 = B3::new(span.trace_id(), span.span_id(), sampling(cx, span))
            // Without a span only a caller's decision is sent on.
            .or_else(|| RemoteContext::decision(cx).and_then(B3::from_decision));
        let Some(b3) = b3 else { return };
        if self.sends != Form::Multi {
            injector.set(b3::SINGLE, b3.to_string());
        }
        if self.sends != Form::Single {
            Self::send_multi(injector, &b3);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let refused = |error| refusal::report(LossKind::RefusedB3, &error, cx);
        let Some(b3) = read(extractor, refused) else {
            return cx.clone();
        };
        if b3.ids().is_none() && b3.sampling() == B3Sampling::Deny {
            refusal::report_deny_without_ids(cx);
        }
        let trace_id = b3.ids().map_or(TraceId::INVALID, |(trace_id, _)| trace_id);
        // Set for every trace, so that the W3C propagator knows that the trace did not begin here.
        cx.with_value(RemoteContext {
            b3: Some(b3.sampling()),
            ..RemoteContext::new(trace_id)
        })
        .with_remote_span_context(b3.to_span_context())
    }

    fn fields(&self) -> FieldIter<'_> {
        let all = FIELDS.as_slice();
        let (single, multi) = all.split_at(1);
        FieldIter::new(match self.sends {
            Form::Single => single,
            Form::Multi => multi,
            Form::Both => all,
        })
    }
}

/// Calls `refused` with the error of each form that is malformed.
fn read(extractor: &dyn Extractor, refused: impl Fn(ParseError)) -> Option<B3> {
    let (has_single, has_multi) = match FoundHeaders::for_extractor(extractor) {
        Some(found) => (found.has_b3, found.has_b3_multi),
        None => (true, true),
    };
    // `get` returns the first of repeated headers.
    let get = |name: &str| extractor.get(name).map(list::trim);
    if has_single {
        match get(b3::SINGLE).map(str::parse) {
            Some(Ok(single)) => return Some(single),
            Some(Err(error)) => refused(error),
            None => {}
        }
    }
    if !has_multi {
        return None;
    }
    B3::from_headers(get).unwrap_or_else(|error| {
        refused(error);
        None
    })
}

/// Returns the state to send with this span.
fn sampling(cx: &Context, span: &SpanContext) -> B3Sampling {
    let received = match RemoteContext::for_span(cx, span) {
        Some(remote) => remote.b3,
        None => RemoteContext::decision(cx),
    };
    match received {
        Some(B3Sampling::Debug) => B3Sampling::Debug,
        // The span is still the caller's, so no decision has been made.
        Some(B3Sampling::Defer) if span.is_remote() => B3Sampling::Defer,
        _ if span.is_sampled() => B3Sampling::Accept,
        _ => B3Sampling::Deny,
    }
}

static FIELDS: LazyLock<[String; 5]> = LazyLock::new(|| {
    [
        b3::SINGLE,
        b3::TRACE_ID,
        b3::SPAN_ID,
        b3::SAMPLED,
        b3::FLAGS,
    ]
    .map(str::to_owned)
});
