//! One line in two spans: otel-log against tracing-subscriber's JSON, json-subscriber, tracing-bunyan-formatter and a
//! hand-written layer that makes the same bytes.

mod floor;
mod one_line;
mod sink;
mod threads;
mod writers;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_benches::{Case, Contender};
use tracing::{Dispatch, info, info_span};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, fmt};

use crate::sink::Sink;

/// Lines of one piece of work, so that entering the spans hardly counts.
const LINES: u64 = 16;

fn main() {
    otel_benches::main_in_processes(&[
        ("layers", layers),
        ("init", one_line::through_init),
        ("tracing-subscriber", one_line::through_tracing_subscriber),
    ]);
    if otel_benches::takes_time() {
        threads::print();
    }
}

fn layers() -> Vec<Case> {
    vec![
        Case::new(
            "16 lines, spans only to OpenTelemetry",
            contender("a layer that does nothing", false, floor::Nothing),
            all(false),
        ),
        Case::new(
            "16 lines, events to OpenTelemetry too",
            contender("a layer that does nothing", true, floor::Nothing),
            all(true),
        ),
        writers::case(),
    ]
}

fn all(events: bool) -> Vec<Contender> {
    let merged = || {
        otel_log::layer()
            .writer(Sink)
            .spans(otel_log::Spans::Merged)
    };
    vec![
        contender("otel-log, fields of all spans", events, merged()),
        contender(
            "hand-written, the same bytes",
            events,
            floor::Floor::default(),
        ),
        contender(
            "otel-log, as it comes",
            events,
            otel_log::layer().writer(Sink),
        ),
        contender(
            "tracing-subscriber, no ids",
            events,
            fmt::layer().json().with_writer(Sink),
        ),
        contender("json-subscriber, ids", events, json_subscriber()),
        contender("tracing-bunyan-formatter, no ids", events, bunyan()),
    ]
}

fn json_subscriber<S>() -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    json_subscriber::layer()
        .with_writer(Sink)
        .with_opentelemetry_ids(true)
}

fn bunyan<S>() -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    use tracing_bunyan_formatter::{BunyanFormattingLayer, JsonStorageLayer};

    JsonStorageLayer.and_then(BunyanFormattingLayer::new("bench".to_owned(), Sink))
}

fn contender<L>(name: &str, events: bool, lines: L) -> Contender
where
    L: Layer<OtelRegistry> + Send + Sync,
{
    let dispatch = dispatch(events, lines);
    Contender::new(
        name,
        move || dispatch.clone(),
        |dispatch| work(dispatch, LINES),
    )
}

type OtelRegistry =
    tracing_subscriber::layer::Layered<Box<dyn Layer<Registry> + Send + Sync>, Registry>;

fn dispatch<L>(events: bool, lines: L) -> Dispatch
where
    L: Layer<OtelRegistry> + Send + Sync,
{
    let tracer = SdkTracerProvider::builder().build().tracer("bench");
    let otel_layer = tracing_opentelemetry::layer().with_tracer(tracer);
    let otel_layer =
        otel_layer.with_filter(filter_fn(move |metadata| events || metadata.is_span()));
    let otel_layer: Box<dyn Layer<Registry> + Send + Sync> = Box::new(otel_layer);
    tracing_subscriber::registry()
        .with(otel_layer)
        .with(lines)
        .into()
}

/// The same event again and again, in two spans that are entered.
fn work(dispatch: &Dispatch, lines: u64) {
    tracing::dispatcher::with_default(dispatch, || {
        let _outer = info_span!("request", method = "GET", route = "/checkout/{cart}").entered();
        let _inner = info_span!("price", sku = "a-7", attempt = 2).entered();
        for number in 0..lines {
            info!(
                item = "the \"seventh\"",
                number,
                share = 0.37,
                cached = true,
                "price looked up"
            );
        }
    });
}
