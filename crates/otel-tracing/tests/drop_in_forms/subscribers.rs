//! The ways to install the layer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::trace::{Status, TraceContextExt as _};
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Subscriber, debug_span, dispatcher, info_span, trace_span};
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, SetParentError};
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::{Context as LayerContext, Layer, SubscriberExt as _};
use tracing_subscriber::{Registry, fmt, registry};

use crate::common::{
    KINDS, Kind, Trial, assert_attribute, assert_child, check_all_methods, dispatch, ids, sampled,
};

fn for_each(installed: impl Fn(&Trial) -> Dispatch) {
    for kind in KINDS {
        let trial = Trial::new(kind);
        check_all_methods(&trial, &installed(&trial));
    }
}

fn sink<S>() -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fmt::layer().with_writer(std::io::sink)
}

#[test]
fn alone() {
    for_each(Trial::registry);
}

#[test]
fn between_other_layers() {
    for_each(|trial| dispatch!(trial, layer => registry().with(sink()).with(layer).with(sink())));
}

#[test]
fn in_an_option() {
    for_each(|trial| dispatch!(trial, layer => registry().with(Some(layer)).with(sink())));
}

#[test]
fn in_a_box() {
    for_each(|trial| {
        dispatch!(trial, layer => {
            let layer: Box<dyn Layer<Registry> + Send + Sync> = Box::new(layer);
            registry().with(layer).with(sink())
        })
    });
}

#[test]
fn in_an_optional_box() {
    for_each(|trial| dispatch!(trial, layer => registry().with(Some(layer.boxed()))));
}

#[test]
fn in_a_list() {
    for_each(|trial| {
        dispatch!(trial, layer => {
            let layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> =
                vec![sink().boxed(), layer.boxed(), sink().boxed()];
            registry().with(layers).with(LevelFilter::INFO)
        })
    });
}

#[test]
fn in_a_list_with_filters() {
    for_each(|trial| {
        dispatch!(trial, layer => {
            let layer = layer.with_filter(LevelFilter::INFO).boxed();
            let lines = sink().with_filter(LevelFilter::WARN).boxed();
            registry().with(vec![lines, layer])
        })
    });
}

#[test]
fn combined_with_another_layer() {
    for_each(|trial| dispatch!(trial, layer => registry().with(layer.and_then(sink()))));
}

#[test]
fn with_a_filter_of_its_own() {
    for_each(|trial| {
        dispatch!(trial, layer => {
            let targets = Targets::new().with_default(LevelFilter::INFO);
            registry()
                .with(sink().with_filter(LevelFilter::WARN))
                .with(layer.with_filter(targets))
                .with(sink().with_filter(LevelFilter::TRACE))
        })
    });
}

#[test]
fn with_two_filters_in_a_box() {
    for_each(|trial| {
        dispatch!(trial, layer => {
            let layer = layer.with_filter(filter_fn(|_| true)).with_filter(LevelFilter::INFO);
            registry().with(layer.boxed())
        })
    });
}

#[test]
fn under_a_filter_for_all_layers() {
    for_each(|trial| dispatch!(trial, layer => registry().with(LevelFilter::INFO).with(layer)));
    for_each(|trial| dispatch!(trial, layer => registry().with(layer).with(LevelFilter::INFO)));
}

#[test]
fn on_the_subscriber_of_fmt() {
    for_each(
        |trial| dispatch!(trial, layer => fmt().with_writer(std::io::sink).finish().with(layer)),
    );
}

#[test]
fn an_option_without_the_layer() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let dispatch =
            dispatch!(trial, layer => registry().with(Some(layer).filter(|_| false)).with(sink()));
        dispatcher::with_default(&dispatch, || {
            let span = info_span!("request");
            let result = span.set_parent(sampled(7).0);
            assert!(matches!(result, Err(SetParentError::LayerNotFound)));
            assert!(!span.context().has_active_span());
            span.set_attribute("a", 1);
        });
        assert!(trial.all().is_empty());
    }
}

/// Ways to install the layer. Only the first one is given the dispatcher (`Layer::on_register_dispatch`).
const PLACES: [fn(&Trial) -> Dispatch; 3] = [
    Trial::registry,
    |trial| dispatch!(trial, layer => registry().with(Some(layer))),
    |trial| dispatch!(trial, layer => registry().with(vec![layer.boxed()])),
];

/// A span knows its subscriber: it does not matter which one is the default.
///
/// `Option` and `Vec` do not tell a layer its dispatcher. The layer learns it when a span is entered while the dispatcher is the
/// default one.
#[test]
fn two_subscribers() {
    for (kind, place) in KINDS
        .into_iter()
        .flat_map(|kind| PLACES.map(|place| (kind, place)))
    {
        let (first, second) = (Trial::new(kind), Trial::new(kind));
        let dispatches = [place(&first), place(&second)];
        let span = dispatcher::with_default(&dispatches[0], || {
            info_span!("earlier").in_scope(|| ());
            info_span!("first")
        });
        let expected = dispatcher::with_default(&dispatches[1], || {
            let _other = info_span!("second").entered();
            span.set_attribute("a", 1);
            let expected = ids(&span);
            span.in_scope(|| assert_eq!(ids(&span), expected));
            let child = info_span!("child");
            child.set_parent(span.context()).unwrap();
            expected
        });
        drop(span);
        assert!(expected.is_valid());
        assert_eq!(first.get("first").span_context, expected);
        assert_attribute(&first.get("first"), "a", 1);
        assert_child(&second.get("child"), &expected);
    }
}

/// Tests of applications keep spans after the guard of their subscriber.
#[test]
fn a_span_outlives_the_default_subscriber() {
    for (kind, place) in KINDS
        .into_iter()
        .flat_map(|kind| PLACES.map(|place| (kind, place)))
    {
        let trial = Trial::new(kind);
        let guard = dispatcher::set_default(&place(&trial));
        let span = info_span!("request");
        let entered = info_span!("entered");
        entered.in_scope(|| ());
        drop(guard);
        span.set_attribute("late", 1);
        entered.set_status(Status::Ok);
        let expected = [ids(&span), ids(&entered)];
        drop((span, entered));
        assert_attribute(&trial.get("request"), "late", 1);
        assert_eq!(trial.get("entered").status, Status::Ok);
        let exported = [trial.get("request"), trial.get("entered")].map(|it| it.span_context);
        assert_eq!(exported, expected);
    }
}

/// An application that has both layers by mistake.
#[test]
fn the_layer_of_tracing_opentelemetry_beside_it() {
    for kind in KINDS.into_iter().filter(|it| *it != Kind::Upstream) {
        let (trial, other) = (Trial::new(kind), Trial::new(Kind::Upstream));
        let upstream = {
            use opentelemetry::trace::TracerProvider as _;
            tracing_opentelemetry::layer().with_tracer(other.provider.tracer("t"))
        };
        let dispatch = dispatch!(trial, layer => registry().with(upstream).with(layer));
        check_all_methods(&trial, &dispatch);
        assert_eq!(other.all().len(), 2);
    }
}

/// Counts spans and events of all levels.
#[derive(Clone, Default)]
struct Counts(Arc<[AtomicUsize; 2]>);

impl<S: Subscriber> Layer<S> for Counts {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: LayerContext<'_, S>) {
        self.0[0].fetch_add(1, Ordering::Relaxed);
    }

    fn on_event(&self, _: &Event<'_>, _: LayerContext<'_, S>) {
        self.0[1].fetch_add(1, Ordering::Relaxed);
    }
}

/// Ways to install the layer together with another one.
///
/// `other.and_then(layer)` is not among them: if `layer` has a filter, as the layer of otel-tracing always has,
/// tracing-subscriber applies the filter to `other` too.
const PAIRS: [fn(&Trial, Counts) -> Dispatch; 6] = [
    |trial, counts| dispatch!(trial, layer => registry().with(layer).with(counts)),
    |trial, counts| dispatch!(trial, layer => registry().with(counts).with(layer)),
    |trial, counts| dispatch!(trial, layer => registry().with(Some(layer)).with(counts)),
    |trial, counts| dispatch!(trial, layer => registry().with(counts).with(layer.boxed())),
    |trial, counts| dispatch!(trial, layer => registry().with(vec![layer.boxed(), counts.boxed()])),
    |trial, counts| dispatch!(trial, layer => registry().with(layer.and_then(counts))),
];

#[test]
fn other_layers_see_all_levels() {
    for (kind, (place, installed)) in KINDS
        .into_iter()
        .flat_map(|kind| PAIRS.into_iter().enumerate().map(move |it| (kind, it)))
    {
        let trial = Trial::new(kind);
        let counts = Counts::default();
        let dispatch = installed(&trial, counts.clone());
        dispatcher::with_default(&dispatch, || {
            info_span!("info").in_scope(|| tracing::info!("info"));
            debug_span!("debug").in_scope(|| tracing::debug!("debug"));
            trace_span!("trace").in_scope(|| tracing::trace!("trace"));
        });
        let counted = [0, 1].map(|it| counts.0[it].load(Ordering::Relaxed));
        assert_eq!(counted, [3, 3], "{kind:?}, place {place}");
        trial.get("info");
    }
}
