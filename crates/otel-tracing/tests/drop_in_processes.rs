//! Forms of call that are tested in separate processes: a global subscriber, and layers that change after their installation.
//!
//! Each test starts its second half in a process for each layer.

#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only
#![allow(dead_code)] // the other tests need more of the module

#[path = "drop_in_forms/common.rs"]
mod common;
#[path = "support/lines.rs"]
mod lines;

use std::fmt;
use std::process::Command;
use std::{env, thread};

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use tracing::{Dispatch, Event, Span, Subscriber, dispatcher, info, info_span};
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, SetParentError, get_otel_context};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, registry, reload};

use crate::common::{
    KINDS, Trial, assert_attribute, assert_child, check_all_methods, dispatch, ids, sampled,
    traceparent, with_layer,
};
use crate::lines::Lines;

const LAYER: &str = "LAYER_OF_THIS_PROCESS";

/// Runs an ignored test in a process for each layer.
fn run_for_each(test: &str) {
    for kind in KINDS {
        let mut process = Command::new(env::current_exe().unwrap());
        process.args(["--exact", test, "--ignored", "--nocapture"]);
        let output = process.env(LAYER, format!("{kind:?}")).output().unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("1 passed"), "{kind:?}: {text}");
    }
}

/// The layer of this process.
fn trial() -> Trial {
    let name = env::var(LAYER).unwrap();
    let kind = KINDS.into_iter().find(|it| format!("{it:?}") == name);
    Trial::new(kind.unwrap())
}

/// Writes the ids before the line, as two applications look for them.
struct IdsFormat;

impl<S, N> FormatEvent<S, N> for IdsFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let current = ids(&Span::current());
        let id = ctx
            .event_scope()
            .and_then(|mut scope| scope.next())
            .map(|span| span.id());
        let found = id.and_then(|id| dispatcher::get_default(|it| get_otel_context(&id, it)));
        let found = found.map(|it| traceparent(it.span().span_context()));
        write!(
            writer,
            "{} {} ",
            traceparent(&current),
            found.unwrap_or_default()
        )?;
        ctx.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

#[test]
fn a_formatter_reads_the_current_span_under_a_global_subscriber() {
    run_for_each("global_formatter");
}

#[test]
#[ignore = "needs its own process"]
fn global_formatter() {
    let trial = trial();
    let lines = Lines::default();
    let writer = lines.clone();
    let dispatch = dispatch!(trial, layer => {
        let format = tracing_subscriber::fmt::layer()
            .event_format(IdsFormat)
            .with_writer(move || writer.clone());
        registry().with(layer).with(format)
    });
    dispatcher::set_global_default(dispatch).unwrap();
    info_span!("request").in_scope(|| {
        info!("inside");
        thread::scope(|scope| {
            scope.spawn(|| info!("elsewhere"));
        });
    });
    let request = traceparent(&trial.get("request").span_context);
    let none = traceparent(&opentelemetry::trace::SpanContext::NONE);
    let lines = lines.text();
    let expected = format!("{request} {request} inside\n{none}  elsewhere\n");
    assert_eq!(lines, expected);
}

#[test]
fn an_optional_layer_in_a_global_subscriber() {
    run_for_each("global_option");
}

#[test]
#[ignore = "needs its own process"]
fn global_option() {
    let trial = trial();
    let dispatch = dispatch!(trial, layer => registry().with(Some(layer)));
    dispatcher::set_global_default(dispatch).unwrap();
    let span = info_span!("request");
    thread::scope(|scope| {
        scope.spawn(|| {
            let (context, caller) = sampled(7);
            span.set_parent(context).unwrap();
            assert_eq!(ids(&span).trace_id(), caller.trace_id());
            span.in_scope(|| Span::current().set_attribute("a", 1));
        });
    });
    drop(span);
    assert_attribute(&trial.get("request"), "a", 1);
    assert_child(&trial.get("request"), &sampled(7).1);
}

#[test]
fn the_filter_of_the_layer_changes() {
    run_for_each("changed_filter");
}

#[test]
#[ignore = "needs its own process"]
fn changed_filter() {
    let trial = trial();
    let dispatch = with_layer!(trial, layer => {
        let (filter, handle) = reload::Layer::new(LevelFilter::OFF);
        let dispatch = Dispatch::new(registry().with(layer.with_filter(filter)));
        handle.reload(LevelFilter::INFO).unwrap();
        dispatch
    });
    check_all_methods(&trial, &dispatch);
}

#[test]
fn a_layer_that_can_be_replaced() {
    run_for_each("reloadable_layer");
}

#[test]
#[ignore = "needs its own process"]
fn reloadable_layer() {
    let trial = trial();
    let (slot, _) = with_layer!(trial, layer => reload::Layer::new(Some(layer.boxed())));
    check_without_methods(&trial, &Dispatch::new(registry().with(slot)));
}

#[test]
fn a_layer_that_is_installed_after_the_subscriber() {
    run_for_each("late_layer");
}

#[test]
#[ignore = "needs its own process"]
fn late_layer() {
    let trial = trial();
    let none = None::<Box<dyn Layer<Registry> + Send + Sync>>;
    let (slot, handle) = reload::Layer::new(none);
    let dispatch = Dispatch::new(registry().with(slot));
    let layer = with_layer!(trial, layer => layer.boxed());
    handle.reload(Some(layer)).unwrap();
    check_without_methods(&trial, &dispatch);
}

/// `reload::Layer` hides the layer from the methods. Spans still have the right parents.
fn check_without_methods(trial: &Trial, dispatch: &Dispatch) {
    dispatcher::with_default(dispatch, || {
        let request = info_span!("request");
        let result = request.set_parent(sampled(7).0);
        assert!(matches!(result, Err(SetParentError::LayerNotFound)));
        assert!(!request.context().has_active_span());
        assert!(get_otel_context(&request.id().unwrap(), dispatch).is_none());
        request.in_scope(|| {
            assert!(Context::current().span().span_context().is_valid());
            info_span!("child").in_scope(|| ());
        });
        info_span!(parent: &request, "explicit").in_scope(|| ());
    });
    let request = trial.get("request").span_context;
    assert_child(&trial.get("child"), &request);
    assert_child(&trial.get("explicit"), &request);
}
