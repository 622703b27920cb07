//! The lines and records of work that was handed to another thread have the ids and the fields of its request, also after the
//! request has ended.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::{
    sync::{Arc, Mutex},
    thread,
};

use common::{Capture, assert_ids, log_layer, provider, records, span_layer};
use opentelemetry::{
    Context,
    logs::AnyValue,
    trace::{SpanContext, TraceContextExt as _},
};
use otel_core::task::{Carried, carry};
use otel_log::Spans;
use serde_json::{Map, Value, json};
use tracing::{Dispatch, Subscriber, dispatcher, info, info_span, level_filters::LevelFilter};
use tracing_subscriber::{Layer, layer, layer::SubscriberExt as _, registry};

/// The source of OpenTelemetry spans.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tracing {
    /// The span layer of the test run.
    SpanLayer,
    /// The OpenTelemetry API only.
    Api,
    /// Nothing.
    Nothing,
}

/// Counts the spans that are closed.
#[derive(Clone, Default)]
struct Closed(Arc<Mutex<Vec<&'static str>>>);

impl<S: Subscriber + for<'a> registry::LookupSpan<'a>> Layer<S> for Closed {
    fn on_close(&self, id: tracing::span::Id, ctx: layer::Context<'_, S>) {
        let name = ctx.span(&id).unwrap().metadata().name();
        self.0.lock().unwrap().push(name);
    }
}

fn subscriber(capture: &Capture, closed: &Closed, tracing: Tracing, spans: Spans) -> Dispatch {
    let span_layer = (tracing == Tracing::SpanLayer).then(|| span_layer(&provider()));
    Dispatch::new(
        registry()
            .with(span_layer)
            .with(closed.clone())
            .with(log_layer(capture).spans(spans)),
    )
}

/// Runs `handler` in the spans of a request, and returns its result with the active ids.
fn in_request<T>(tracing: Tracing, handler: impl FnOnce() -> T) -> (T, SpanContext) {
    let _api = (tracing == Tracing::Api).then(|| common::otel_context().attach());
    info_span!("request", request_id = 7).in_scope(|| {
        info_span!("handler", user = "ada").in_scope(|| {
            let ids = Context::map_current(|context| context.span().span_context().clone());
            (handler(), ids)
        })
    })
}

/// Runs work on another thread, which has no subscriber and no context.
fn elsewhere(work: impl FnOnce() + Send + 'static) {
    thread::spawn(work).join().unwrap();
}

fn fields(line: &Map<String, Value>) -> Value {
    let known = [
        "timestamp",
        "level",
        "target",
        "message",
        "trace_id",
        "span_id",
        "trace_flags",
    ];
    let fields = line
        .iter()
        .filter(|(key, _)| !known.contains(&key.as_str()));
    fields
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

#[test]
fn lines_of_a_job_have_ids_and_fields_of_the_request_that_has_ended() {
    for tracing in [Tracing::SpanLayer, Tracing::Api, Tracing::Nothing] {
        let (capture, closed) = (Capture::default(), Closed::default());
        let subscriber = subscriber(&capture, &closed, tracing, Spans::Merged);
        dispatcher::with_default(&subscriber, || {
            let (job, ids) = in_request(tracing, || {
                carry(|| {
                    info!("starts");
                    info_span!("ship", order = 1).in_scope(|| info!(carrier = "post", "ships"));
                    info!("ends");
                })
            });
            // Without OpenTelemetry, only the span has the fields.
            let kept_open = tracing == Tracing::Nothing;
            assert_eq!(
                closed.0.lock().unwrap().is_empty(),
                kept_open,
                "{tracing:?}"
            );
            elsewhere(job);
            for message in ["starts", "ends"] {
                let line = capture.message(message);
                assert_ids(&line, &ids);
                assert_eq!(
                    fields(&line),
                    json!({"request_id": 7, "user": "ada"}),
                    "{tracing:?}"
                );
            }
            let line = capture.message("ships");
            let all = json!({"carrier": "post", "order": 1, "request_id": 7, "user": "ada"});
            assert_eq!(fields(&line), all, "{tracing:?}");
            if ids.is_valid() {
                assert_eq!(line["trace_id"], ids.trace_id().to_string());
            }
        });
        let closed = closed.0.lock().unwrap();
        assert!(closed.contains(&"handler") && closed.contains(&"ship"));
    }
}

/// Captures what a job writes outside and inside its own span, after its request has ended.
fn lines_of_a_job(spans: Spans) -> Capture {
    let (capture, closed) = (Capture::default(), Closed::default());
    let subscriber = subscriber(&capture, &closed, Tracing::SpanLayer, spans);
    dispatcher::with_default(&subscriber, || {
        let (job, _) = in_request(Tracing::SpanLayer, || {
            carry(|| {
                info!("starts");
                info_span!("ship", order = 1).in_scope(|| info!("ships"));
            })
        });
        elsewhere(job);
    });
    capture
}

#[test]
fn a_line_of_a_job_names_the_spans_around_it_from_the_outermost() {
    let capture = lines_of_a_job(Spans::List);
    let request = json!({"name": "request", "request_id": 7});
    let handler = json!({"name": "handler", "user": "ada"});
    let ship = json!({"name": "ship", "order": 1});
    assert_eq!(
        capture.message("starts")["spans"],
        json!([request, handler])
    );
    assert_eq!(
        capture.message("ships")["spans"],
        json!([request, handler, ship])
    );
}

#[test]
fn a_line_of_a_job_has_the_fields_of_the_innermost_span_only_by_default() {
    let capture = lines_of_a_job(Spans::Current);
    assert_eq!(fields(&capture.message("starts")), json!({"user": "ada"}));
    assert_eq!(fields(&capture.message("ships")), json!({"order": 1}));
}

#[test]
fn a_worker_s_own_fields_are_not_on_the_lines_of_its_jobs() {
    let (capture, closed) = (Capture::default(), Closed::default());
    let subscriber = subscriber(&capture, &closed, Tracing::SpanLayer, Spans::Merged);
    dispatcher::with_default(&subscriber, || {
        let (carried, _) = in_request(Tracing::SpanLayer, Carried::current);
        info_span!("worker", number = 3).in_scope(|| {
            carried.run(|| {
                info!("in the job");
                info_span!("ship", order = 1).in_scope(|| info!("in a span of the job"));
            });
            info!("after the job");
            info_span!("idle").in_scope(|| info!("in a span of the worker"));
        });
    });
    let request = json!({"request_id": 7, "user": "ada"});
    assert_eq!(fields(&capture.message("in the job")), request);
    let ship = json!({"order": 1, "request_id": 7, "user": "ada"});
    assert_eq!(fields(&capture.message("in a span of the job")), ship);
    for message in ["after the job", "in a span of the worker"] {
        assert_eq!(
            fields(&capture.message(message)),
            json!({"number": 3}),
            "{message}"
        );
    }
}

#[test]
fn a_span_of_a_job_has_the_request_s_fields_wherever_it_goes() {
    let (capture, closed) = (Capture::default(), Closed::default());
    let subscriber = subscriber(&capture, &closed, Tracing::SpanLayer, Spans::Merged);
    dispatcher::with_default(&subscriber, || {
        let (carried, _) = in_request(Tracing::SpanLayer, Carried::current);
        let pack = carried.run(|| {
            let ship = info_span!("ship", order = 1);
            ship.in_scope(|| info_span!("pack", boxes = 2))
        });
        pack.in_scope(|| info!("moved"));
        // A job of the job.
        let again = carried.run(|| pack.in_scope(Carried::current));
        drop((pack, carried));
        elsewhere(move || again.run(|| info!("again")));
    });
    let all = json!({"boxes": 2, "order": 1, "request_id": 7, "user": "ada"});
    for message in ["moved", "again"] {
        assert_eq!(fields(&capture.message(message)), all, "{message}");
    }
}

#[test]
fn a_span_of_another_place_keeps_its_own_fields_in_a_job() {
    let (capture, closed) = (Capture::default(), Closed::default());
    let subscriber = subscriber(&capture, &closed, Tracing::SpanLayer, Spans::Merged);
    dispatcher::with_default(&subscriber, || {
        let (carried, _) = in_request(Tracing::SpanLayer, Carried::current);
        let pool = info_span!("pool", connection = 5);
        carried.run(|| {
            pool.in_scope(|| {
                info!("in the pool");
                info_span!("query", rows = 1).in_scope(|| info!("in a query"));
            });
            info!(parent: &pool, "of the pool");
            info!("in the job");
        });
    });
    for message in ["in the pool", "of the pool"] {
        assert_eq!(
            fields(&capture.message(message)),
            json!({"connection": 5}),
            "{message}"
        );
    }
    let query = json!({"connection": 5, "rows": 1});
    assert_eq!(fields(&capture.message("in a query")), query);
    let request = json!({"request_id": 7, "user": "ada"});
    assert_eq!(fields(&capture.message("in the job")), request);
}

#[test]
fn a_span_that_the_lines_filter_hides_stays_hidden_in_a_job() {
    let capture = Capture::default();
    let lines = log_layer(&capture).spans(Spans::Merged);
    let shown = tracing_subscriber::filter::filter_fn(|it| it.is_event() || it.name() != "handler");
    let subscriber = Dispatch::new(
        registry()
            .with(span_layer(&provider()))
            .with(lines.with_filter(shown).with_filter(LevelFilter::INFO)),
    );
    dispatcher::with_default(&subscriber, || {
        let (job, ids) = in_request(Tracing::SpanLayer, || {
            info!("in the handler");
            carry(|| {
                info!("in the job");
                tracing::debug_span!("hidden").in_scope(|| info!("in a hidden span"));
            })
        });
        elsewhere(job);
        assert_ids(&capture.message("in the job"), &ids);
    });
    for message in ["in the handler", "in the job", "in a hidden span"] {
        assert_eq!(
            fields(&capture.message(message)),
            json!({"request_id": 7}),
            "{message}"
        );
    }
}

#[test]
fn records_of_a_job_have_the_handler_s_fields() {
    let records = records::Records::default();
    let subscriber = Dispatch::new(
        registry()
            .with(span_layer(&provider()))
            .with(otel_log::record_layer(records.logger())),
    );
    dispatcher::with_default(&subscriber, || {
        let (job, ids) = in_request(Tracing::SpanLayer, || carry(|| info!("in the job")));
        elsewhere(job);
        let record = records.one();
        let trace = record.trace_context().unwrap();
        assert_eq!(
            (trace.trace_id, trace.span_id),
            (ids.trace_id(), ids.span_id())
        );
        let attributes: Vec<_> = record.attributes_iter().collect();
        let expected = ("user".into(), AnyValue::from("ada"));
        assert_eq!(attributes, [&expected]);
    });
}

#[test]
fn jobs_that_start_jobs_without_end_carry_few_spans() {
    let (capture, closed) = (Capture::default(), Closed::default());
    let subscriber = subscriber(&capture, &closed, Tracing::SpanLayer, Spans::List);
    dispatcher::with_default(&subscriber, || {
        let (mut carried, _) = in_request(Tracing::SpanLayer, Carried::current);
        for step in 0..1_000 {
            carried = carried.run(|| info_span!("step", step).in_scope(Carried::current));
        }
        carried.run(|| info!("in the last job"));
    });
    let line = capture.message("in the last job");
    let spans = line["spans"].as_array().unwrap();
    assert!((1..=64).contains(&spans.len()), "{}", spans.len());
    assert_eq!(spans.last().unwrap()["step"], 999);
}
