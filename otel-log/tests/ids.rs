//! The ids of a line are those of the span in which it was written.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::{future::Future as _, thread};

use common::{
    Capture, assert_ids, log_layer, otel_context, provider, span_layer, span_layer_with_activation,
};
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt as _, TraceState},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{
    Dispatch, Span, Subscriber, debug_span, dispatcher, error, info, info_span,
    instrument::WithSubscriber as _, subscriber::with_default,
};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::{
    Layer, filter::LevelFilter, layer::SubscriberExt as _, registry, registry::LookupSpan, reload,
};

fn otel_layer<S>() -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    span_layer(&provider())
}

/// Runs `f` with the OpenTelemetry layer and the log layer.
fn logged<R>(f: impl FnOnce() -> R) -> (Capture, R) {
    let capture = Capture::default();
    let result = with_default(registry().with(otel_layer()).with(log_layer(&capture)), f);
    (capture, result)
}

/// The span context that is exported for a span.
fn exported(span: &Span) -> SpanContext {
    span.context().span().span_context().clone()
}

fn remote() -> Context {
    Context::new().with_remote_span_context(SpanContext::new(
        TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        SpanId::from(0xb7ad_6b71_6920_3331),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    ))
}

#[test]
fn event_in_entered_spans() {
    let (capture, (outer, inner)) = logged(|| {
        let outer = info_span!("outer");
        let outer_entered = outer.enter();
        info!("outer");
        let inner = info_span!("inner");
        inner.in_scope(|| info!("inner"));
        info!("outer again");
        drop(outer_entered);
        info!("outside");
        (exported(&outer), exported(&inner))
    });
    assert_eq!(outer.trace_id(), inner.trace_id());
    assert_ids(&capture.message("outer"), &outer);
    assert_ids(&capture.message("inner"), &inner);
    assert_ids(&capture.message("outer again"), &outer);
    assert_ids(&capture.message("outside"), &SpanContext::NONE);
}

#[test]
fn context_attached_without_a_tracing_span() {
    let (capture, context) = logged(|| {
        let context = otel_context();
        let _attached = context.clone().attach();
        info!("x");
        context
    });
    assert_ids(&capture.line(), context.span().span_context());
}

#[test]
fn context_attached_without_an_opentelemetry_layer() {
    let capture = Capture::default();
    let context = otel_context();
    with_default(registry().with(log_layer(&capture)), || {
        let _span = info_span!("s").entered();
        let _attached = context.clone().attach();
        info!("x");
    });
    assert_ids(&capture.line(), context.span().span_context());
}

#[test]
fn otel_span_attached_inside_a_tracing_span() {
    let (capture, context) = logged(|| {
        let _span = info_span!("s").entered();
        let context = otel_context();
        let _attached = context.clone().attach();
        info!("x");
        context
    });
    assert_ids(&capture.line(), context.span().span_context());
}

#[test]
fn explicit_parent() {
    let (capture, (current, other)) = logged(|| {
        let other = info_span!("other");
        other.in_scope(|| ());
        let current = info_span!("current").entered();
        info!(parent: &other, "other");
        info!(parent: &current, "current");
        (exported(&current), exported(&other))
    });
    assert_ids(&capture.message("other"), &other);
    assert_ids(&capture.message("current"), &current);
}

#[test]
fn parent_none_inside_a_span() {
    let (capture, ()) = logged(|| info_span!("s").in_scope(|| info!(parent: None, "x")));
    assert_ids(&capture.line(), &SpanContext::NONE);
}

#[test]
fn current_span_hidden_from_the_otel_layer() {
    let capture = Capture::default();
    let subscriber = registry()
        .with(otel_layer().with_filter(LevelFilter::INFO))
        .with(log_layer(&capture));
    let (outer, hidden_root) = with_default(subscriber, || {
        let hidden_root = debug_span!("root");
        hidden_root.in_scope(|| info!("nothing around"));
        let outer = info_span!("outer").entered();
        let hidden = debug_span!("hidden");
        hidden.in_scope(|| info!("current"));
        info!(parent: &hidden, "explicit");
        (exported(&outer), exported(&hidden_root))
    });
    assert!(!hidden_root.is_valid());
    assert_ids(&capture.message("nothing around"), &SpanContext::NONE);
    assert_ids(&capture.message("current"), &outer);
    assert_ids(&capture.message("explicit"), &outer);
}

#[test]
fn without_context_activation() {
    let capture = Capture::default();
    let otel_layer = span_layer_with_activation(&provider(), false);
    let subscriber = registry().with(otel_layer).with(log_layer(&capture));
    let (outer, inner) = with_default(subscriber, || {
        let outer = info_span!("outer").entered();
        info!("outer");
        let inner = info_span!("inner");
        inner.in_scope(|| info!("inner"));
        info!(parent: &inner, "explicit");
        (exported(&outer), exported(&inner))
    });
    assert!(outer.is_valid() && inner.is_valid());
    assert_ids(&capture.message("outer"), &outer);
    assert_ids(&capture.message("inner"), &inner);
    assert_ids(&capture.message("explicit"), &inner);
}

#[test]
fn an_application_whose_name_starts_like_opentelemetrys_crates_gets_its_ids() {
    let capture = Capture::default();
    let otel_layer = span_layer_with_activation(&provider(), false);
    let subscriber = registry().with(otel_layer).with(log_layer(&capture));
    let span = with_default(subscriber, || {
        let span = info_span!("span").entered();
        info!(target: "opentelemetry_shop", "crate");
        info!(target: "opentelemetry_shop::cart", "module");
        exported(&span)
    });
    assert!(span.is_valid());
    assert_ids(&capture.message("crate"), &span);
    assert_ids(&capture.message("module"), &span);
}

#[test]
fn reading_ids_does_not_start_a_span() {
    let (capture, (around, late)) = logged(|| {
        let early = info_span!("early");
        info!(parent: &early, "nothing started");
        early
            .set_parent(remote())
            .expect("the span has not started");
        let around = info_span!("around").entered();
        let late = info_span!("late");
        info!(parent: &late, "late");
        late.set_parent(remote()).expect("the span has not started");
        (exported(&around), late)
    });
    assert_ids(&capture.message("nothing started"), &SpanContext::NONE);
    assert_ids(&capture.message("late"), &around);
    assert_eq!(
        exported(&late).trace_id(),
        remote().span().span_context().trace_id()
    );
}

#[test]
fn otel_layer_inside_reload() {
    let capture = Capture::default();
    let (otel_layer, _handle) = reload::Layer::new(otel_layer());
    let context = with_default(
        registry().with(otel_layer).with(log_layer(&capture)),
        || {
            let span = info_span!("s").entered();
            info!("current");
            info!(parent: &span, "explicit");
            Context::current()
        },
    );
    assert!(context.span().span_context().is_valid());
    assert_ids(&capture.message("current"), context.span().span_context());
    assert_ids(&capture.message("explicit"), context.span().span_context());
}

/// Checks the rows that need the dispatch, which these places do not hand to the layer.
fn assert_dispatch_is_found(place: &str, capture: &Capture, subscriber: impl Into<Dispatch>) {
    dispatcher::with_default(&subscriber.into(), || {
        let other = info_span!("other");
        other.in_scope(|| info!("current in {place}"));
        info!(parent: &other, "explicit in {place}");
        for message in [
            format!("current in {place}"),
            format!("explicit in {place}"),
        ] {
            assert_ids(&capture.message(&message), &exported(&other));
        }
    });
}

#[test]
fn own_layer_inside_option_vec_reload_or_a_boxed_subscriber() {
    for activation in [true, false] {
        check_where_the_own_layer_is(activation);
    }
}

fn check_where_the_own_layer_is(activation: bool) {
    let otel = || registry().with(span_layer_with_activation(&provider(), activation));
    let capture = Capture::default;

    let option = capture();
    assert_dispatch_is_found("option", &option, otel().with(Some(log_layer(&option))));
    let vec = capture();
    assert_dispatch_is_found("vec", &vec, otel().with(vec![log_layer(&vec)]));
    let reload = capture();
    let (layer, _handle) = reload::Layer::new(log_layer(&reload));
    assert_dispatch_is_found("reload", &reload, otel().with(layer));
    let boxed = capture();
    let subscriber: Box<dyn Subscriber + Send + Sync> = Box::new(otel().with(log_layer(&boxed)));
    assert_dispatch_is_found("boxed subscriber", &boxed, subscriber);
    let first = capture();
    let subscriber = registry()
        .with(Some(log_layer(&first)))
        .with(span_layer_with_activation(&provider(), activation));
    assert_dispatch_is_found("before the OpenTelemetry layer", &first, subscriber);
}

#[test]
fn another_subscriber_is_not_asked() {
    let (ours, theirs) = (Capture::default(), Capture::default());
    let otel = || registry().with(span_layer_with_activation(&provider(), false));
    let our_dispatch = Dispatch::new(otel().with(Some(log_layer(&ours))));
    let span = dispatcher::with_default(&our_dispatch, || info_span!("ours"));
    with_default(otel().with(Some(log_layer(&theirs))), || {
        // Equal ids in both registries, and the default dispatch is not that of the span.
        let twin = info_span!("theirs");
        let _twin = twin.enter();
        let _span = span.enter();
        dispatcher::with_default(&our_dispatch, || info!("ours"));
        info!("theirs");
        assert_ids(&theirs.message("theirs"), &exported(&twin));
    });
    dispatcher::with_default(&our_dispatch, || {
        span.in_scope(|| info!("again"));
        assert_ids(&ours.message("again"), &exported(&span));
    });
    let unanswered = ours.message("ours");
    if unanswered.contains_key("trace_id") {
        assert_ids(&unanswered, &exported(&span));
    }
}

#[test]
fn a_filter_of_the_log_layer_hides_no_trace() {
    let capture = Capture::default();
    let subscriber = registry()
        .with(otel_layer())
        .with(log_layer(&capture).with_filter(LevelFilter::ERROR));
    let (outer, inner) = with_default(subscriber, || {
        let outer = info_span!("outer").entered();
        let inner = info_span!("inner").entered();
        error!("current");
        error!(parent: &inner, "explicit current");
        error!(parent: &outer, "explicit outer");
        (exported(&outer), exported(&inner))
    });
    assert_ids(&capture.message("current"), &inner);
    assert_ids(&capture.message("explicit current"), &inner);
    assert_ids(&capture.message("explicit outer"), &outer);
}

#[test]
fn unsampled_spans_have_ids_too() {
    let capture = Capture::default();
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::AlwaysOff)
        .build();
    let otel_layer = span_layer(&provider);
    let span = with_default(
        registry().with(otel_layer).with(log_layer(&capture)),
        || {
            let span = info_span!("s");
            span.in_scope(|| info!("x"));
            exported(&span)
        },
    );
    assert_eq!(capture.line()["trace_flags"], "00");
    assert_ids(&capture.line(), &span);
}

#[test]
fn remote_parent_gives_the_trace_id() {
    let (capture, span) = logged(|| {
        let span = info_span!("s");
        span.set_parent(remote()).unwrap();
        span.in_scope(|| info!("x"));
        exported(&span)
    });
    assert_eq!(
        capture.line()["trace_id"],
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert_eq!(capture.line()["trace_flags"], "01");
    assert_ids(&capture.line(), &span);
}

#[test]
fn a_line_in_a_random_trace_says_random_even_if_its_span_is_dropped() {
    use opentelemetry::propagation::TextMapPropagator as _;
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    let cases = [
        ("00", Sampler::AlwaysOff, "00"),
        ("01", Sampler::AlwaysOff, "00"),
        ("02", Sampler::AlwaysOff, "02"),
        ("03", Sampler::AlwaysOff, "02"),
        ("01", Sampler::AlwaysOn, "01"),
        ("02", Sampler::AlwaysOn, "03"),
        ("03", Sampler::AlwaysOn, "03"),
    ];
    for (came, sampler, expected) in cases {
        let name = format!("{came} {sampler:?}");
        let traceparent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{came}");
        let headers = [("traceparent".to_owned(), traceparent)];
        let propagator = otel_core::propagation::TraceContextPropagator::new();
        let caller = propagator
            .extract_with_context(&Context::new(), &std::collections::HashMap::from(headers));
        let capture = Capture::default();
        let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
        let subscriber = registry()
            .with(span_layer(&provider))
            .with(log_layer(&capture));
        with_default(subscriber, || {
            let span = info_span!("s");
            span.set_parent(caller.clone()).unwrap();
            span.in_scope(|| {
                info!("current");
                info!(parent: &span, "explicit");
                info_span!("child").in_scope(|| info!("child"));
            });
            let tracer = provider.tracer("test");
            let span = tracer.start_with_context("of the API", &caller);
            let _active = caller.with_span(span).attach();
            info!("API");
        });
        for message in ["current", "explicit", "child", "API"] {
            let line = capture.message(message);
            assert_eq!(line["trace_flags"], expected, "{name}: {message}");
        }
    }
}

#[test]
fn no_tracer_no_ids() {
    let capture = Capture::default();
    let subscriber = registry()
        .with(tracing_opentelemetry::layer())
        .with(log_layer(&capture));
    with_default(subscriber, || info_span!("s").in_scope(|| info!("x")));
    assert_ids(&capture.line(), &SpanContext::NONE);
}

#[test]
fn work_on_another_thread() {
    let (capture, span) = logged(|| {
        let span = info_span!("s");
        let carried = span.clone();
        let dispatch = dispatcher::get_default(Dispatch::clone);
        let work = move || {
            dispatcher::with_default(&dispatch, || carried.in_scope(|| info!("carried")));
            dispatcher::with_default(&dispatch, || info!("not carried"));
        };
        thread::spawn(work).join().unwrap();
        exported(&span)
    });
    assert_ids(&capture.message("carried"), &span);
    assert_ids(&capture.message("not carried"), &SpanContext::NONE);
}

#[test]
fn a_line_of_opentelemetry_about_its_contexts_does_not_panic() {
    for name in ["first line of the thread", "later line"] {
        let work = move || {
            let (capture, context) = logged(|| {
                if name == "later line" {
                    info!("earlier");
                }
                // One more than it can hold: it warns while it has its stack borrowed.
                let guards: Vec<_> = (0..=u16::MAX).map(|_| Context::new().attach()).collect();
                guards.into_iter().rev().for_each(drop);
                let context = otel_context();
                let _attached = context.clone().attach();
                info!("afterwards");
                context
            });
            let lines = capture.lines();
            assert!(
                lines.iter().any(|line| line["target"] == "opentelemetry"),
                "{lines:?}"
            );
            assert_ids(
                &capture.message("afterwards"),
                context.span().span_context(),
            );
        };
        assert!(thread::spawn(work).join().is_ok(), "{name}");
    }
}

#[test]
fn a_future_with_its_own_subscriber() {
    let capture = Capture::default();
    let subscriber = registry().with(otel_layer()).with(log_layer(&capture));
    let future = async {
        let span = info_span!("s");
        span.in_scope(|| info!("x"));
        exported(&span)
    };
    let mut future = Box::pin(future.with_subscriber(subscriber));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(span) = future.as_mut().poll(&mut context) else {
        panic!("pending")
    };
    assert_ids(&capture.line(), &span);
}
