use std::sync::LazyLock;

use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanContext, TraceContextExt as _, TraceId},
};

use super::{
    b3::{self, B3, B3Sampling},
    list,
    remote::Remote,
};

/// Carries the trace in B3 headers, as Zipkin and Envoy do: reads both forms, sends the one it was made for.
///
/// The single header `b3` takes precedence; if it is missing or malformed, the `X-B3-*` headers are read. Where these are
/// malformed as well, the parent context stays as it is.
///
/// | caller sends | parent's sampled bit | sent on by a span here | sent on without an SDK |
/// | --- | --- | --- | --- |
/// | `1`, `0` | as sent | what the span decided | the same |
/// | debug | set | debug | debug |
/// | no state (deferred) | set | what the span decided | no state |
/// | `1`, `0` without ids | as sent, in an invalid context | what the span decided | the same, without ids |
/// | `d` without ids | set, in an invalid context | debug | the same, without ids |
///
/// Deferred counts as sampled, since a sampler that follows its parent would drop the trace otherwise. A decision
/// without ids becomes an active but invalid span context: the trace begins here with an id of its own, and the SDK's
/// `Sampler::ParentBased` follows the decision. Its `ParentBasedSampler` asks the root sampler instead; one that shall
/// obey finds the decision in [`B3Propagator::decision`].
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

    /// Creates a propagator that sends `b3` and the `X-B3-*` headers.
    #[must_use]
    pub const fn both() -> Self {
        Self { sends: Form::Both }
    }

    /// Returns the decision that came without ids, as in `b3: 0`, for a sampler that begins a trace in this context.
    #[must_use]
    pub fn decision(cx: &Context) -> Option<B3Sampling> {
        Remote::decision(cx)
    }

    /// Adds what only B3 can say, debug and deferred, to a context read from traceparent, if the same caller sent both.
    pub(super) fn complete(self, traced: Context, extractor: &dyn Extractor) -> Context {
        let Some(b3) = read(extractor) else {
            return traced;
        };
        let span = traced.span();
        let span = span.span_context();
        let same = b3.ids() == Some((span.trace_id(), span.span_id())) && span.is_sampled();
        if !same || !matches!(b3.sampling(), B3Sampling::Debug | B3Sampling::Defer) {
            return traced;
        }
        let w3c = Remote::of(&traced, span);
        let remote = Remote {
            trace_id: span.trace_id(),
            random: w3c.is_some_and(|w3c| w3c.random),
            tracestate: w3c.and_then(|w3c| w3c.tracestate.clone()),
            b3: Some(b3.sampling()),
        };
        traced.with_value(remote)
    }

    fn send_single(injector: &mut dyn Injector, b3: &B3) {
        injector.set(b3::SINGLE, b3.to_string());
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
            // Without a span only a caller's decision is passed on; having no span is no decision.
            .or_else(|| Remote::decision(cx).and_then(B3::decision));
        let Some(b3) = b3 else { return };
        if self.sends != Form::Multi {
            Self::send_single(injector, &b3);
        }
        if self.sends != Form::Single {
            Self::send_multi(injector, &b3);
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let Some(b3) = read(extractor) else {
            return cx.clone();
        };
        let trace_id = b3.ids().map_or(TraceId::INVALID, |(trace_id, _)| trace_id);
        // Kept for every trace, so that the W3C propagator knows that it did not begin here.
        cx.with_value(Remote {
            trace_id,
            random: false,
            tracestate: None,
            b3: Some(b3.sampling()),
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

fn read(extractor: &dyn Extractor) -> Option<B3> {
    // The first of repeated headers counts, which is what `get` returns.
    let get = |name: &str| extractor.get(name).map(list::trim);
    let single = get(b3::SINGLE).and_then(|value| value.parse().ok());
    single.or_else(|| B3::from_headers(get).ok().flatten())
}

/// Returns the state to send with this span.
fn sampling(cx: &Context, span: &SpanContext) -> B3Sampling {
    let came = match Remote::of(cx, span) {
        Some(remote) => remote.b3,
        None => Remote::decision(cx),
    };
    match came {
        Some(B3Sampling::Debug) => B3Sampling::Debug,
        // Still the caller's span: nobody has decided.
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
