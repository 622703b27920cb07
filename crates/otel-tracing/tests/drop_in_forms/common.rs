//! The two layers, and what the tests send and read.

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    SpanContext, SpanId, Status, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::{Dispatch, Span, dispatcher, info_span};
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, get_otel_context};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Ours,
    /// Without SDK spans in unsampled traces.
    ParentBased,
    Upstream,
}

pub(crate) const KINDS: [Kind; 3] = [Kind::Ours, Kind::ParentBased, Kind::Upstream];

/// Evaluates an expression that names the layer. The layers have different types.
macro_rules! with_layer {
    ($trial:expr, $layer:ident => $value:expr) => {
        match $trial.kind {
            $crate::common::Kind::Ours => {
                let $layer = otel_tracing::layer(&$trial.provider);
                $value
            }
            $crate::common::Kind::ParentBased => {
                let layer = otel_tracing::layer(&$trial.provider);
                let $layer = layer.with_parent_based_sampler(true);
                $value
            }
            $crate::common::Kind::Upstream => {
                use opentelemetry::trace::TracerProvider as _;
                let tracer = $trial.provider.tracer("t");
                let $layer = tracing_opentelemetry::layer().with_tracer(tracer);
                $value
            }
        }
    };
}
pub(crate) use with_layer;

/// Makes the dispatcher of a subscriber. The subscriber is an expression that names the layer.
macro_rules! dispatch {
    ($trial:expr, $layer:ident => $subscriber:expr) => {
        $crate::common::with_layer!($trial, $layer => tracing::Dispatch::new($subscriber))
    };
}
pub(crate) use dispatch;

/// What one run of a test has.
pub(crate) struct Trial {
    pub(crate) kind: Kind,
    pub(crate) provider: SdkTracerProvider,
    exporter: InMemorySpanExporter,
}

impl Trial {
    pub(crate) fn new(kind: Kind) -> Self {
        Self::with_provider(kind, SdkTracerProvider::builder())
    }

    pub(crate) fn with_provider(
        kind: Kind,
        builder: opentelemetry_sdk::trace::TracerProviderBuilder,
    ) -> Self {
        eprintln!("{kind:?}");
        let exporter = InMemorySpanExporter::default();
        let provider = builder.with_simple_exporter(exporter.clone()).build();
        Self {
            kind,
            provider,
            exporter,
        }
    }

    pub(crate) fn run(&self, body: impl FnOnce()) {
        dispatcher::with_default(&self.registry(), body);
    }

    /// A registry with the layer and nothing else.
    pub(crate) fn registry(&self) -> Dispatch {
        use tracing_subscriber::layer::SubscriberExt as _;
        dispatch!(self, layer => tracing_subscriber::registry().with(layer))
    }

    pub(crate) fn all(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    /// The exported span with this name.
    pub(crate) fn get(&self, name: &str) -> SpanData {
        let mut spans = self.all();
        spans.retain(|span| span.name == name);
        assert_eq!(spans.len(), 1, "spans with the name {name:?}");
        spans.remove(0)
    }
}

/// Runs a test in a registry with each of the layers.
pub(crate) fn for_each(body: impl Fn(&Trial)) {
    for kind in KINDS {
        let trial = Trial::new(kind);
        trial.run(|| body(&trial));
    }
}

pub(crate) fn ids(span: &Span) -> SpanContext {
    span.context().span().span_context().clone()
}

/// One request that calls all methods, in a dispatcher that is the default.
pub(crate) fn check_all_methods(trial: &Trial, dispatch: &Dispatch) {
    let (context, caller) = sampled(7);
    dispatcher::with_default(dispatch, || {
        let request = info_span!("request", n = 1);
        request.set_parent(context).unwrap();
        request.set_attribute("before", 1);
        let id = request.id().unwrap();
        request.in_scope(|| {
            let current = Span::current();
            current.set_attribute("after", 1);
            current.set_status(Status::error("bad"));
            current.add_event("event", Vec::new());
            current.add_link(sampled(8).1);
            let found = get_otel_context(&id, dispatch).unwrap();
            assert_eq!(*found.span().span_context(), ids(&current));
            info_span!("child").in_scope(|| {
                let sent = headers(&Span::current().context());
                assert_eq!(sent["traceparent"], traceparent(&ids(&Span::current())));
            });
        });
        assert!(request.set_parent(sampled(9).0).is_err());
    });
    let request = trial.get("request");
    assert_child(&request, &caller);
    assert_attribute(&request, "n", 1);
    assert_attribute(&request, "before", 1);
    assert_attribute(&request, "after", 1);
    assert_eq!(request.status, Status::error("bad"));
    assert_eq!((request.events.len(), request.links.len()), (1, 1));
    assert_child(&trial.get("child"), &request.span_context);
}

/// A context as it arrives from a caller.
pub(crate) fn remote(number: u64, flags: TraceFlags) -> (Context, SpanContext) {
    let (trace, span) = (TraceId::from(u128::from(number)), SpanId::from(number));
    let ids = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    (Context::new().with_remote_span_context(ids.clone()), ids)
}

pub(crate) fn sampled(number: u64) -> (Context, SpanContext) {
    remote(number, TraceFlags::SAMPLED)
}

/// The headers of a call with this context.
pub(crate) fn headers(context: &Context) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    TraceContextPropagator::new().inject_context(context, &mut headers);
    headers
}

pub(crate) fn extract(headers: &HashMap<String, String>) -> Context {
    TraceContextPropagator::new().extract(headers)
}

pub(crate) fn traceparent(ids: &SpanContext) -> String {
    let flags = ids.trace_flags().to_u8();
    format!("00-{}-{}-{flags:02x}", ids.trace_id(), ids.span_id())
}

#[track_caller]
pub(crate) fn assert_child(child: &SpanData, parent: &SpanContext) {
    assert_eq!(child.span_context.trace_id(), parent.trace_id());
    assert_eq!(child.parent_span_id, parent.span_id());
}

#[track_caller]
pub(crate) fn assert_root(span: &SpanData) {
    assert_eq!(span.parent_span_id, SpanId::INVALID);
}

#[track_caller]
pub(crate) fn assert_attribute(span: &SpanData, key: &'static str, value: impl Into<Value>) {
    let attribute = KeyValue::new(key, value);
    assert!(
        span.attributes.contains(&attribute),
        "{attribute:?} in {span:?}"
    );
}
