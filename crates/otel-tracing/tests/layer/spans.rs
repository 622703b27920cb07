//! Which spans are made, under which parents, with which scopes, and when they end.

use std::time::{Duration, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
    TracerProvider as _,
};
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::trace::Sampler;
use tracing::{Level, Span, debug_span, dispatcher, info_span};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, fmt, registry};

use crate::common::{get, named, provider, spans, spans_with};

#[test]
fn the_active_context_is_the_parent_and_spans_of_the_api_are_children() {
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let subscriber = registry().with(otel_tracing::layer(&provider));
    dispatcher::with_default(&subscriber.into(), || {
        let tracer = provider.tracer("api");
        tracer.in_span("request", |_| {
            info_span!("work").in_scope(|| tracer.in_span("query", |_| ()));
        });
    });
    let spans = exporter.get_finished_spans().unwrap();
    let [request, work, query] = ["request", "work", "query"].map(|name| named(&spans, name));
    assert_eq!(work.parent_span_id, request.span_context.span_id());
    assert_eq!(query.parent_span_id, work.span_context.span_id());
}

/// An explicit parent that the filter hides does not cut the trace.
#[test]
fn the_nearest_span_around_a_hidden_explicit_parent_is_the_parent() {
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let shown = fmt::layer().with_writer(std::io::sink);
    let subscriber = registry().with(otel_tracing::layer(&provider)).with(shown);
    dispatcher::with_default(&subscriber.into(), || {
        let outer = info_span!("outer");
        let hidden = debug_span!(parent: &outer, "hidden");
        assert!(!hidden.is_disabled());
        drop(info_span!(parent: &hidden, "inner"));
        drop(info_span!(parent: None, "root"));
    });
    let spans = exporter.get_finished_spans().unwrap();
    let outer = named(&spans, "outer").span_context.span_id();
    assert_eq!(named(&spans, "inner").parent_span_id, outer);
    assert_eq!(named(&spans, "root").parent_span_id, SpanId::INVALID);
    assert_eq!(spans.len(), 3);
}

/// `tracing` makes a root of a span whose explicit parent no layer enables, as of `parent: None`. The layer cannot tell the two.
#[test]
fn a_span_whose_explicit_parent_every_filter_hides_is_a_root() {
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let subscriber = registry().with(otel_tracing::layer(&provider));
    dispatcher::with_default(&subscriber.into(), || {
        let outer = info_span!("outer").entered();
        let hidden = debug_span!("hidden");
        assert!(hidden.is_disabled());
        drop(info_span!(parent: &hidden, "explicit"));
        // What to write instead: enter the span, or name the span around it.
        hidden.in_scope(|| drop(info_span!("entered")));
        drop(info_span!(parent: hidden.id().or_else(|| outer.id()), "or outer"));
        let current = Span::current();
        drop(info_span!(parent: hidden.id().or_else(|| current.id()), "or current"));
    });
    let spans = exporter.get_finished_spans().unwrap();
    let outer = named(&spans, "outer").span_context.span_id();
    assert_eq!(named(&spans, "explicit").parent_span_id, SpanId::INVALID);
    for name in ["entered", "or outer", "or current"] {
        assert_eq!(named(&spans, name).parent_span_id, outer, "{name}");
    }
}

#[test]
fn the_filter_belongs_to_the_layer_only() {
    let work = || {
        drop(info_span!("info"));
        drop(debug_span!("debug"));
        drop(debug_span!(target: "h2::codec", "frame"));
    };
    let names = |spans: Vec<opentelemetry_sdk::trace::SpanData>| {
        let names = spans.into_iter().map(|span| span.name.into_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names(spans(work)), ["info"]);
    assert_eq!(
        names(spans_with(|it| it.with_level(Level::DEBUG), work)),
        ["info", "debug"]
    );
    assert_eq!(
        names(spans_with(|it| it.with_target("h2", Level::DEBUG), work)),
        ["info", "frame"]
    );
}

/// The subscriber of `fmt().finish()` has no filters for single layers.
#[test]
fn the_layer_works_on_the_subscriber_of_fmt() {
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let subscriber = fmt()
        .with_max_level(Level::TRACE)
        .with_writer(std::io::sink)
        .finish();
    let subscriber = subscriber.with(otel_tracing::layer(&provider));
    dispatcher::with_default(&subscriber.into(), || {
        info_span!("outer")
            .in_scope(|| debug_span!("hidden").in_scope(|| drop(info_span!("inner"))));
    });
    let spans = exporter.get_finished_spans().unwrap();
    let outer = named(&spans, "outer").span_context.span_id();
    assert_eq!(named(&spans, "inner").parent_span_id, outer);
    assert_eq!(spans.len(), 2);
}

#[test]
fn spans_have_the_scope_of_the_layer() {
    let (provider, exporter) = provider(Sampler::AlwaysOn);
    let own = InstrumentationScope::builder("shop").build();
    for layer in [
        otel_tracing::layer(&provider),
        otel_tracing::layer(&provider).with_scope(own),
    ] {
        let subscriber = registry().with(layer);
        dispatcher::with_default(&subscriber.into(), || {
            drop(info_span!("application"));
            drop(info_span!(target: "otel_tower", "request"));
        });
    }
    let spans = exporter.get_finished_spans().unwrap();
    let scopes = spans.iter().map(|span| &span.instrumentation_scope);
    let scopes: Vec<_> = scopes.map(InstrumentationScope::name).collect();
    assert_eq!(scopes, ["otel_tracing", "otel_tower", "shop", "otel_tower"]);
    let ours = &spans[1].instrumentation_scope;
    assert_eq!(ours.version(), Some(env!("CARGO_PKG_VERSION")));
    assert!(
        ours.schema_url()
            .unwrap()
            .starts_with("https://opentelemetry.io/schemas/")
    );
    assert_eq!(get(&spans[1].attributes, "code.function.name"), None);
}

#[test]
fn a_span_ends_when_it_closes_or_by_option_when_it_is_last_left() {
    let pause = Duration::from_millis(20);
    let end_of = |at_exit: bool| {
        let mut left = SystemTime::UNIX_EPOCH;
        let spans = spans_with(
            |layer| layer.with_end_at_exit(at_exit),
            || {
                let span = info_span!("x");
                span.in_scope(|| ());
                left = SystemTime::now();
                while left.elapsed().unwrap() < pause {
                    std::hint::spin_loop();
                }
            },
        );
        spans[0].end_time.duration_since(left).unwrap_or_default()
    };
    assert!(end_of(false) >= pause);
    assert!(end_of(true) < pause);
}

#[test]
fn spans_that_follow_others_link_to_them() {
    let work = || {
        let (first, second) = (info_span!("first"), info_span!("second"));
        second.follows_from(&first);
        second.in_scope(|| ());
        second.follows_from(&first);
    };
    let linked = spans(work);
    let first = &named(&linked, "first").span_context;
    let links = &named(&linked, "second").links.links;
    assert_eq!(links.len(), 2);
    assert!(links.iter().all(|link| link.span_context == *first));
    let without = spans_with(|layer| layer.with_links(false), work);
    assert!(named(&without, "second").links.links.is_empty());
}

/// Under a parent-based sampler, the spans of an unsampled trace carry the context of their parent, also to other threads.
#[test]
fn spans_of_an_unsampled_trace_carry_the_context_of_their_parent() {
    let (provider, exporter) = provider(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    for is_parent_based in [false, true] {
        let layer = otel_tracing::layer(&provider).with_parent_based_sampler(is_parent_based);
        let subscriber = registry().with(layer.boxed());
        dispatcher::with_default(&subscriber.into(), || {
            let caller = SpanContext::new(
                TraceId::from(7),
                SpanId::from(9),
                TraceFlags::NOT_SAMPLED,
                true,
                TraceState::NONE,
            );
            let caller = Context::new().with_remote_span_context(caller);
            let server = provider
                .tracer("api")
                .start_with_context("request", &caller);
            let _server = caller.with_span(server).attach();
            let server = Context::current().span().span_context().clone();
            let inner = info_span!("inner", n = 1).in_scope(|| {
                let task = Span::current();
                let found = std::thread::spawn(move || {
                    task.in_scope(|| Context::current().span().span_context().clone())
                });
                found.join().unwrap()
            });
            assert_eq!(inner.trace_id(), server.trace_id());
            assert!(!inner.is_sampled() && !inner.is_remote());
            assert_eq!(inner == server, is_parent_based);
        });
    }
    assert!(exporter.get_finished_spans().unwrap().is_empty());
}
