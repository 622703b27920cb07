//! Samplers and processors that panic, log, or are shut down.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use tracing::{dispatcher, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use crate::common::provider;

/// Panics for some spans.
#[derive(Debug)]
struct Panics;

impl SpanProcessor for Panics {
    fn on_start(&self, span: &mut Span, _: &Context) {
        let name = span.exported_data().map(|data| data.name);
        assert!(name.is_none_or(|name| name != "start"), "at the start");
    }

    fn on_end(&self, span: SpanData) {
        assert!(span.name != "end", "at the end");
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_processor_that_panics_costs_the_span_and_not_the_program() {
    let provider = SdkTracerProvider::builder()
        .with_span_processor(Panics)
        .build();
    let subscriber = registry().with(otel_tracing::layer(&provider));
    dispatcher::with_default(&subscriber.into(), || {
        let outer = provider.tracer("api").start("outer");
        let _outer = Context::new().with_span(outer).attach();
        let outer = Context::current().span().span_context().clone();
        let reached = catch_unwind(AssertUnwindSafe(|| {
            info_span!("start").in_scope(|| {
                let active = Context::current().span().span_context().clone();
                assert_eq!(active, outer, "the context of the parent");
                tracing::Span::current().set_attribute("lost", 1);
            });
            info_span!("end").in_scope(|| ());
            info_span!("start").context()
        }));
        assert!(reached.is_ok());
    });
}

#[test]
fn after_a_shutdown_the_context_of_the_parent_stays_active() {
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let subscriber = registry().with(otel_tracing::layer(&provider));
    dispatcher::with_default(&subscriber.into(), || {
        let outer = Context::new().with_span(provider.tracer("api").start("outer"));
        let _outer = outer.attach();
        provider.shutdown().unwrap();
        let outer = Context::current().span().span_context().clone();
        info_span!("late").in_scope(|| {
            assert_eq!(*Context::current().span().span_context(), outer);
        });
    });
    drop(exporter);
}
