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

pub(crate) const ALL: [Layered; 8] = [
    OURS,
    OURS_WITHOUT_TRACING_SPAN,
    SDK_SPAN,
    ("hand-written tracing span", |app| {
        app.layer(FloorLayer::tracing_span())
    }),
    PEER,
    ("axum-tracing-opentelemetry", |app| {
        app.layer(axum_tracing_opentelemetry::middleware::OtelAxumLayer::default())
    }),
    ("tower-otel", |app| {
        app.layer(tower_otel::trace::HttpLayer::server(Level::INFO))
    }),
    ("tower-http TraceLayer", |app| {
        let make_span = DefaultMakeSpan::new().level(Level::INFO);
        app.layer(TraceLayer::new_for_http().make_span_with(make_span))
    }),
];

/// Our layer if the subscriber has tracing-opentelemetry's layer instead of otel-tracing's.
pub(crate) const UNDER_TRACING_OPENTELEMETRY: [Layered; 1] =
    [("otel-tower, tracing-opentelemetry", |app| {
        app.layer(ServerLayer::new())
    })];

/// The layers that record metrics.
pub(crate) const WITH_METRICS: [Layered; 4] = [
    OURS,
    OURS_WITHOUT_TRACING_SPAN,
    ("opentelemetry-instrumentation-tower", |app| {
        app.layer(
            LayerBuilder::builder()
                .build()
                .expect("the defaults are complete"),
        )
    }),
    ("tower-otel", |app| {
        let meter = global::meter("tower-otel");
        app.layer(tower_otel::metrics::HttpLayer::server(&meter))
            .layer(tower_otel::trace::HttpLayer::server(Level::INFO))
    }),
];

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
