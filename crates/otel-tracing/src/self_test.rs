//! Whether tracing-opentelemetry's extension trait works on the spans of this layer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{dispatcher, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::layer;

/// Tests whether tracing-opentelemetry's `OpenTelemetrySpanExt` works on the spans of this layer.
///
/// The layer relies on how tracing-opentelemetry 0.34 finds its data. If a later 0.34 release changes that, use the layer of
/// tracing-opentelemetry instead. The test makes a few spans with a provider and a subscriber of its own, and takes less than a
/// millisecond.
#[must_use]
pub fn supports_span_ext() -> bool {
    // tracing-opentelemetry panics if it does not find what it expects.
    catch_unwind(AssertUnwindSafe(test)).unwrap_or(false)
}

fn test() -> bool {
    let provider = SdkTracerProvider::builder().build();
    let subscriber = Registry::default().with(layer(&provider));
    dispatcher::with_default(&subscriber.into(), || {
        let asked_first = info_span!("asked first");
        let ids = ids_of(&asked_first.context());
        let same = asked_first.in_scope(|| Context::map_current(ids_of) == ids);

        let caller = SpanContext::new(
            TraceId::from(7),
            SpanId::from(9),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        );
        let with_parent = info_span!("with parent");
        let parent = Context::new().with_remote_span_context(caller.clone());
        let accepted = with_parent.set_parent(parent.clone()).is_ok();
        let entered_ids = with_parent.in_scope(|| Context::map_current(ids_of));
        let refused = with_parent.set_parent(parent).is_err();

        ids.is_valid()
            && same
            && accepted
            && refused
            && entered_ids.trace_id() == caller.trace_id()
            && ids_of(&with_parent.context()) == entered_ids
    })
}

fn ids_of(context: &Context) -> SpanContext {
    context.span().span_context().clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_trait_works() {
        assert!(supports_span_ext());
        assert!(test());
    }
}
