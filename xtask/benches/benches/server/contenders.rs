//! The layers that are compared with the bare router.

use axum::Router;
use opentelemetry::global;
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use otel_tower::ServerLayer;
use tower_http::trace::{DefaultMakeSpan, TraceLayer};
use tracing::Level;

use crate::floor::FloorLayer;

/// The name of a layer, and a function that adds it to a router.
pub(crate) type Layered = (&'static str, fn(Router) -> Router);

/// Our layers, the hand-written span, and the fastest peer.
pub(crate) const NEAREST: [Layered; 4] = [OURS, OURS_WITHOUT_TRACING_SPAN, SDK_SPAN, PEER];

/// The layers that make no `tracing` span through OpenTelemetrySpanExt.
pub(crate) const ALL: [Layered; 5] = [
    OURS,
    OURS_WITHOUT_TRACING_SPAN,
    SDK_SPAN,
    PEER,
    ("tower-http TraceLayer", trace_layer),
];

/// The layers that are made for tracing-opentelemetry's layer, on a subscriber that has it, and ours.
pub(crate) const UNDER_TRACING_OPENTELEMETRY: [Layered; 5] = [
    ("otel-tower, tracing-opentelemetry", |app| {
        app.layer(ServerLayer::new())
    }),
    ("hand-written tracing span", tracing_span),
    ("axum-tracing-opentelemetry", axum_tracing_opentelemetry),
    ("tower-otel", tower_otel),
    ("tower-http TraceLayer, tracing-opentelemetry", trace_layer),
];

/// The same layers on a subscriber with otel-tracing's layer, which answers for the extension trait.
pub(crate) const UNDER_OTEL_TRACING: [Layered; 3] = [
    ("hand-written tracing span, otel-tracing", tracing_span),
    (
        "axum-tracing-opentelemetry, otel-tracing",
        axum_tracing_opentelemetry,
    ),
    ("tower-otel, otel-tracing", tower_otel),
];

fn tracing_span(app: Router) -> Router {
    app.layer(FloorLayer::tracing_span())
}

fn axum_tracing_opentelemetry(app: Router) -> Router {
    app.layer(axum_tracing_opentelemetry::middleware::OtelAxumLayer::default())
}

fn tower_otel(app: Router) -> Router {
    app.layer(tower_otel::trace::HttpLayer::server(Level::INFO))
}

fn trace_layer(app: Router) -> Router {
    let make_span = DefaultMakeSpan::new().level(Level::INFO);
    app.layer(TraceLayer::new_for_http().make_span_with(make_span))
}

/// The layers that record metrics.
pub(crate) const WITH_METRICS: [Layered; 3] = [
    OURS,
    OURS_WITHOUT_TRACING_SPAN,
    ("opentelemetry-instrumentation-tower", |app| {
        app.layer(
            LayerBuilder::builder()
                .build()
                .expect("the defaults are complete"),
        )
    }),
];

/// The layer that records metrics and is made for tracing-opentelemetry's layer.
pub(crate) const TOWER_OTEL_WITH_METRICS: [Layered; 1] = [("tower-otel", |app| {
    let meter = global::meter("tower-otel");
    tower_otel(app.layer(tower_otel::metrics::HttpLayer::server(&meter)))
})];

const OURS: Layered = ("otel-tower", |app| app.layer(ServerLayer::new()));

const OURS_WITHOUT_TRACING_SPAN: Layered = ("otel-tower without_tracing_span", |app| {
    app.layer(ServerLayer::new().without_tracing_span())
});

const SDK_SPAN: Layered = ("hand-written SDK span", |app| {
    app.layer(FloorLayer::sdk_span())
});

const PEER: Layered = ("opentelemetry-instrumentation-tower", |app| {
    app.layer(
        LayerBuilder::builder()
            .with_metrics(false)
            .build()
            .expect("the defaults are complete"),
    )
});
