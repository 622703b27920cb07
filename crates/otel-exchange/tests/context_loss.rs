//! Context loss is seen, counted and reported with its place. One test: what is counted is the process's.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::context_loss::{self, LossKind};
use otel_exchange::context_loss::{StartingRequest, call_starts, without_span};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt as _};

const TARGET: &str = "test";

#[derive(Clone, Default)]
struct Reports(Arc<Mutex<Vec<Fields>>>);

impl<S: Subscriber> Layer<S> for Reports {
    fn on_event(&self, event: &Event<'_>, _: LayerContext<'_, S>) {
        assert_eq!(event.metadata().target(), "otel_core::context_loss");
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.0.lock().unwrap().push(fields);
    }
}

#[derive(Default)]
struct Fields(Vec<(String, String)>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name().to_owned(), value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push((field.name().to_owned(), format!("{value:?}")));
    }
}

fn begin(name: &str) -> Option<StartingRequest> {
    StartingRequest::begin(TARGET, || name.to_owned())
}

fn call(parent: &Context) {
    call_starts(parent, TARGET, || "GET".to_owned());
}

#[test]
fn each_kind_of_loss_is_seen_with_its_place_and_nothing_else_is() {
    let provider = SdkTracerProvider::builder().build();
    let tracer = provider.tracer("test");
    let serve = || Context::new().with_span(tracer.start_with_context("GET /", &Context::new()));
    let reports = Reports::default();
    let _subscriber =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(reports.clone()));

    // off: nothing is held, nothing counted
    assert!(begin("GET /").is_none());

    context_loss::start();
    // a whole request, with a call
    let request = begin("GET /").unwrap();
    let context = serve();
    let request = request.opened(context.span().span_context());
    {
        let _active = context.clone().attach();
        call(&Context::current());
    }
    context.span().end();
    request.end(context.span().span_context(), TARGET, String::new);
    // what stands for the caller, and background work when nothing is served
    let caller = SpanContext::new(
        TraceId::from_bytes([1; 16]),
        SpanId::from_bytes([2; 8]),
        TraceFlags::SAMPLED,
        true,
        TraceState::NONE,
    );
    {
        let _caller = Context::new().with_remote_span_context(caller).attach();
        drop(begin("GET /").unwrap());
    }
    call(&Context::new());
    // a span that the application has opened around its service, and that the request is part of
    {
        let around = serve();
        let _around = around.clone().attach();
        let request = begin("GET /").unwrap();
        let request = request.opened(around.span().span_context());
        request.end(around.span().span_context(), TARGET, String::new);
    }
    // the exporter's own call
    let request = begin("GET /").unwrap();
    {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        call(&Context::current());
    }
    // The call of a skipped request whose caller has sent a sampling decision and no ids.
    let flags = TraceFlags::SAMPLED;
    let decision = SpanContext::new(
        TraceId::INVALID,
        SpanId::INVALID,
        flags,
        true,
        TraceState::NONE,
    );
    let decision = Context::new().with_remote_span_context(decision);
    call(&without_span(&decision).unwrap_or(decision));
    assert_eq!(context_loss::losses(), []);

    // a call from a task that was spawned bare
    call(&Context::new());
    drop(request);
    // a guard that is held too long
    let request = begin("GET /late").unwrap();
    let context = serve();
    let request = request.opened(context.span().span_context());
    let held = context.clone().attach();
    // … is met by the next request while the first runs
    drop(begin("GET /next").unwrap());
    context.span().end();
    request.end(context.span().span_context(), TARGET, || {
        "GET /late".to_owned()
    });
    // … and by one after its end
    drop(begin("GET /after").unwrap());
    drop(held);
    drop(begin("GET /").unwrap());

    let losses = context_loss::losses();
    let mut seen: Vec<_> = losses
        .iter()
        .map(|loss| (loss.kind(), loss.span(), loss.count()))
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            (LossKind::CallWithoutParent, "GET", 1),
            (LossKind::ContextAfterRequest, "GET /after", 1),
            (LossKind::ContextAfterRequest, "GET /late", 1),
            (LossKind::RequestInsideRequest, "GET /next", 1),
        ]
    );
    let thread = std::thread::current().name().unwrap().to_owned();
    assert!(
        losses
            .iter()
            .all(|loss| loss.instrumentation() == TARGET && loss.thread() == thread)
    );
    assert_eq!(context_loss::count(LossKind::ContextAfterRequest), 2);

    let reports = reports.0.lock().unwrap();
    assert_eq!(reports.len(), 4);
    let field = |name: &str| {
        let found = reports[0].0.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!(field("kind"), "call_without_parent");
    assert_eq!(field("span_name"), "GET");
    assert_eq!(field("instrumentation"), TARGET);
    assert_eq!(field("thread"), thread);
    assert_eq!(field("guide"), "docs/context-loss.md#call_without_parent");

    context_loss::stop();
    assert!(begin("GET /").is_none());
}
