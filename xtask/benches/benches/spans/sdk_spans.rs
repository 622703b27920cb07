//! Spans straight from the SDK.

use std::hint::black_box;

use futures_util::FutureExt as _;
use opentelemetry::trace::{
    FutureExt as _, SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
    Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use otel_benches::Contender;

use crate::setup::Discard;
use crate::{Form, Spans};

pub(crate) fn request(name: &str, spans: Spans) -> Contender {
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_processor(Discard)
        .build();
    let tracer = provider.tracer("bench");
    let caller = Context::new().with_remote_span_context(caller(spans.is_sampled));
    let starting = tracer.clone();
    let request = move || caller.with_span(starting.start_with_context("request", &caller));
    Contender::new(name, request, move |request| {
        let _request = request.clone().attach();
        for number in 0..spans.count {
            let context = span(&tracer, number as i64, spans.has_fields);
            match spans.form {
                Form::Sync => {
                    let _span = context.attach();
                    black_box(());
                }
                Form::Async => {
                    let future = async { black_box(()) }.with_context(context);
                    black_box(future.now_or_never());
                }
            }
        }
    })
}

fn span(tracer: &SdkTracer, number: i64, has_fields: bool) -> Context {
    let number = KeyValue::new("number", number);
    let attributes = if has_fields {
        vec![
            number,
            KeyValue::new("sku", "a-7"),
            KeyValue::new("share", 0.37),
            KeyValue::new("is_cached", true),
            KeyValue::new("currency", "EUR"),
        ]
    } else {
        vec![number]
    };
    let builder = tracer.span_builder("work").with_attributes(attributes);
    Context::current_with_span(builder.start(tracer))
}

/// The span of whoever sent the request.
pub(crate) fn caller(is_sampled: bool) -> SpanContext {
    let flags = if is_sampled {
        TraceFlags::SAMPLED
    } else {
        TraceFlags::NOT_SAMPLED
    };
    SpanContext::new(
        TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        SpanId::from(0xb7ad_6b71_6920_3331),
        flags,
        true,
        TraceState::NONE,
    )
}
