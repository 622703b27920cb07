//! Faults of otel-tracing that random programs have shown, each in its shortest form.

use std::thread;
use std::time::{Duration, Instant};

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};
use tracing::{Span, debug_span, dispatcher, error, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::callsites::Failure;
use crate::layers::{self, Kind};
use crate::program::Options;

const OPTIONS: Options = Options {
    events: true,
    error_fields: true,
    function_names: true,
    value_limit: false,
    end_at_exit: false,
    other_layer: true,
};

/// Runs the same code under each layer, and calls `check` with the exported spans.
fn for_each(run: impl Fn(), check: impl Fn(&[SpanData])) {
    for kind in [Kind::Upstream, Kind::Ours, Kind::ParentBased] {
        eprintln!("{kind:?}");
        let _turn = layers::only_subscriber();
        let exporter = InMemorySpanExporter::default();
        let provider = layers::provider(&exporter);
        let dispatch = layers::dispatch(kind, &OPTIONS, &provider);
        dispatcher::with_default(&dispatch, &run);
        check(&exporter.get_finished_spans().unwrap());
    }
}

fn remote_parent() -> Context {
    Context::new().with_remote_span_context(layers::remote(1))
}

/// A span whose trace is not sampled.
fn quiet() -> Span {
    info_span!("quiet", quiet = true)
}

#[test]
fn a_field_code_function_name_is_not_replaced() {
    for_each(
        || {
            info_span!("s", code.function.name = "own").in_scope(|| ());
        },
        |spans| {
            let name = KeyValue::new("code.function.name", "own");
            assert_eq!(spans[0].attributes, [name]);
        },
    );
}

#[test]
fn an_error_that_is_a_flag_or_a_number_sets_no_status() {
    for_each(
        || {
            let _entered = info_span!("s").entered();
            info!(error = false);
            info!(error = 0);
            info!(error = 0.5);
        },
        |spans| {
            assert_eq!(spans[0].status, Status::Unset);
            assert!(spans[0].events.iter().all(|it| it.name != "exception"));
        },
    );
}

#[test]
fn the_sources_of_an_error_are_on_the_event() {
    for_each(
        || {
            let failure = Failure::new("failed");
            let error: &(dyn std::error::Error + 'static) = &failure;
            info_span!("s").in_scope(|| error!(error));
        },
        |spans| {
            let attributes = spans[0].events[0].attributes.iter();
            let keys: Vec<_> = attributes.map(|it| it.key.as_str()).collect();
            assert!(keys.contains(&"error") && keys.contains(&"error.chain"));
        },
    );
}

#[test]
fn an_event_does_not_start_its_span() {
    for_each(
        || {
            let span = info_span!("s");
            error!(parent: &span, "before");
            span.set_parent(remote_parent()).unwrap();
        },
        |spans| assert_eq!(spans[0].parent_span_id, layers::remote(1).span_id()),
    );
}

#[test]
fn a_hidden_span_does_not_start_the_span_that_it_follows() {
    for_each(
        || {
            let span = info_span!("s");
            debug_span!("hidden").follows_from(&span);
            span.set_parent(remote_parent()).unwrap();
        },
        |spans| assert_eq!(spans[0].parent_span_id, layers::remote(1).span_id()),
    );
}

#[test]
fn an_unsampled_span_has_the_baggage_of_its_new_parent() {
    for_each(
        || {
            quiet().in_scope(|| {
                let span = info_span!("s");
                let baggage = [KeyValue::new("user", "7")];
                span.set_parent(Context::current_with_baggage(baggage))
                    .unwrap();
                span.in_scope(|| {
                    let user = Context::map_current(|it| it.baggage().get("user").cloned());
                    assert_eq!(user, Some("7".into()));
                });
            });
        },
        |spans| assert!(spans.is_empty()),
    );
}

#[test]
fn an_unsampled_span_with_a_sampled_parent_has_everything_from_before() {
    for_each(
        || {
            let followed = info_span!("followed");
            quiet().in_scope(|| {
                let span = info_span!("s");
                error!(parent: &span, "before");
                span.follows_from(&followed);
                span.set_parent(remote_parent()).unwrap();
                let begin = Instant::now();
                while begin.elapsed() < Duration::from_millis(2) {
                    thread::yield_now();
                }
                span.in_scope(|| ());
            });
        },
        |spans| {
            let span = spans.iter().find(|it| it.name == "s").unwrap();
            assert_eq!((span.events.len(), span.links.len()), (1, 1));
            assert_eq!(span.status, Status::error(""));
            let duration = span.end_time.duration_since(span.start_time).unwrap();
            assert!(duration >= Duration::from_millis(2), "{duration:?}");
        },
    );
}
