//! Filters of layers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use otel_tracing::{CallsiteFiltered, SpanFilter};
use tracing::subscriber::Interest;
use tracing::{
    Event, Level, Metadata, Subscriber, callsite, debug_span, dispatcher, info, info_span,
};
use tracing_subscriber::layer::{Context, Filter, SubscriberExt as _};
use tracing_subscriber::{Layer, fmt, registry};

use crate::common::spans_with;

#[test]
fn directives_set_which_spans_are_made() {
    let filter: SpanFilter = "info,shop::sql=debug".parse().unwrap();
    let work = || {
        drop(info_span!(target: "shop", "order"));
        drop(debug_span!(target: "shop", "hidden"));
        drop(debug_span!(target: "shop::sql", "query"));
        drop(debug_span!(target: "h2::codec", "frame"));
    };
    let spans = spans_with(|it| it.with_span_filter(filter.clone()), work);
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["order", "query"]);
    // Further options add to it.
    let change = |it: otel_tracing::SpanLayer<_>| {
        it.with_span_filter(filter.clone())
            .with_target("h2", Level::DEBUG)
            .with_events(true)
    };
    let spans = spans_with(change, work);
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["order", "query", "frame"]);
}

#[test]
fn a_filter_of_directives_keeps_the_events_of_the_layer() {
    let filter: SpanFilter = "info".parse().unwrap();
    for (enabled, expected) in [(true, 1), (false, 0)] {
        let change = |it: otel_tracing::SpanLayer<_>| {
            it.with_events(enabled).with_span_filter(filter.clone())
        };
        let spans = spans_with(change, || info_span!("order").in_scope(|| info!("paid")));
        assert_eq!(spans[0].events.len(), expected);
    }
}

/// Lets everything through while it is open.
#[derive(Clone, Default)]
struct Gate(Arc<AtomicBool>);

impl Gate {
    fn set(&self, is_open: bool) {
        self.0.store(is_open, Ordering::Relaxed);
        callsite::rebuild_interest_cache();
    }
}

impl<S> Filter<S> for Gate {
    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        if self.0.load(Ordering::Relaxed) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Clone, Default)]
struct Counter(Arc<AtomicU64>);

impl<S: Subscriber> Layer<S> for Counter {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_filter_that_changes_is_asked_again_in_every_subscriber() {
    let (gate, counter) = (Gate::default(), Counter::default());
    let plain = registry().with(CallsiteFiltered::new(counter.clone(), gate.clone()));
    // The subscriber of `fmt().finish()` has no filters for single layers.
    let fmt = fmt().with_writer(std::io::sink).finish();
    let fmt = fmt.with(CallsiteFiltered::new(counter.clone(), gate.clone()));
    for dispatch in [
        dispatcher::Dispatch::new(plain),
        dispatcher::Dispatch::new(fmt),
    ] {
        dispatcher::with_default(&dispatch, || {
            for (is_open, expected) in [(false, 0), (true, 1), (false, 0), (true, 1)] {
                gate.set(is_open);
                info!("event");
                assert_eq!(counter.0.swap(0, Ordering::Relaxed), expected);
            }
        });
        gate.set(false);
    }
}
