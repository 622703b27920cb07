//! For any tree of spans and events, on several threads, a line has the ids of the exported span that it was written in.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    thread,
};

use common::{Capture, assert_ids, log_layer, span_layer_with_activation};
use opentelemetry::trace::SpanContext;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use proptest::{prelude::*, sample::Index};
use tracing::{Dispatch, Span, dispatcher, info, info_span};
use tracing_subscriber::{layer::SubscriberExt as _, registry};

#[derive(Clone, Debug, Default)]
struct Exported(Arc<Mutex<HashMap<String, SpanContext>>>);

impl SpanExporter for Exported {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch
            .into_iter()
            .map(|span| (span.name.into_owned(), span.span_context));
        self.0.lock().unwrap().extend(spans);
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Opens a span inside the current one, or inside any that there is.
    Enter(Option<Index>),
    Exit,
    Event,
    EventOf(Index),
    EventOfNone,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<Option<Index>>().prop_map(Step::Enter),
        Just(Step::Exit),
        Just(Step::Event),
        any::<Index>().prop_map(Step::EventOf),
        Just(Step::EventOfNone),
    ]
}

/// Walks through the steps; each event says in which span it was written.
fn walk(thread: usize, steps: &[Step], root: Span) {
    let mut all = vec![("root".to_owned(), root.clone())];
    let mut entered = vec![("root".to_owned(), root.entered())];
    for (number, step) in steps.iter().enumerate() {
        let within = entered.last().map_or("none", |(name, _)| name).to_owned();
        match step {
            Step::Enter(parent) => {
                let name = format!("{thread}.{number}");
                let parent = parent.map(|index| index.get(&all).1.clone());
                let span = match parent {
                    Some(parent) => info_span!(parent: &parent, "s", otel.name = name),
                    None => info_span!("s", otel.name = name),
                };
                all.push((name.clone(), span.clone()));
                entered.push((name, span.entered()));
            }
            Step::Exit => drop(entered.pop()),
            Step::Event => info!(within),
            Step::EventOf(index) => {
                let (name, span) = index.get(&all);
                info!(parent: span, within = name);
            }
            Step::EventOfNone => info!(parent: None, within = "none"),
        }
    }
    while entered.pop().is_some() {}
}

fn check(threads: &[Vec<Step>], activation: bool) {
    let capture = Capture::default();
    let exported = Exported::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exported.clone())
        .build();
    let otel_layer = span_layer_with_activation(&provider, activation);
    let dispatch = Dispatch::new(registry().with(otel_layer).with(log_layer(&capture)));
    dispatcher::with_default(&dispatch, || {
        let root = info_span!("root");
        root.in_scope(|| ());
        thread::scope(|scope| {
            for (thread, steps) in threads.iter().enumerate() {
                let (root, dispatch) = (root.clone(), &dispatch);
                scope.spawn(move || {
                    dispatcher::with_default(dispatch, || walk(thread, steps, root));
                });
            }
        });
    });

    let exported = exported.0.lock().unwrap();
    let events = threads
        .iter()
        .flatten()
        .filter(|step| !matches!(step, Step::Enter(_) | Step::Exit));
    let lines = capture.lines();
    assert_eq!(lines.len(), events.count());
    for line in lines {
        match line["within"].as_str().unwrap() {
            "none" => assert_ids(&line, &SpanContext::NONE),
            name => assert_ids(&line, &exported[name]),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ids_are_those_of_the_exported_span(
        threads in prop::collection::vec(prop::collection::vec(step(), 0..30), 1..4),
        activation: bool,
    ) {
        check(&threads, activation);
    }
}
