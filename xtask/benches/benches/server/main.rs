//! The server layer on an axum router, against peers, a hand-written span, and nothing.

mod floor;
mod request;
mod setup;

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use otel_benches::{Case, Contender};
use otel_core::context_loss;
use otel_tower::ServerLayer;

use self::request::{Kind, answer};
use self::setup::Setup;

fn main() {
    // The global provider, propagator and subscriber are set once in a process.
    match Setup::of_this_process() {
        None => Setup::ALL.into_iter().for_each(Setup::run),
        Some(setup) => {
            setup.install();
            otel_benches::main_over_first(cases(setup));
        }
    }
}

fn cases(setup: Setup) -> Vec<Case> {
    match setup {
        Setup::Sdk => vec![
            case("sampled", Kind::Sampled),
            case("unsampled", Kind::Unsampled),
            watched("watched", Kind::Sampled),
            watched("watched, unsampled", Kind::Unsampled),
            skipped(),
            streamed(),
        ],
        Setup::Nothing => vec![case("no SDK", Kind::Sampled)],
    }
}

fn case(name: &str, kind: Kind) -> Case {
    let contender = |name: &str, router: Router| contender(name, router, kind);
    Case::new(
        name,
        contender("bare router", hello()),
        [
            contender("otel-tower", hello().layer(ServerLayer::new())),
            contender(
                "otel-tower without_tracing_span",
                hello().layer(ServerLayer::new().without_tracing_span()),
            ),
            contender(
                "hand-written SDK span",
                hello().layer(floor::FloorLayer::sdk_span()),
            ),
            contender(
                "hand-written tracing span",
                hello().layer(floor::FloorLayer::tracing_span()),
            ),
            contender(
                "opentelemetry-instrumentation-tower",
                hello().layer(
                    opentelemetry_instrumentation_tower::http::server::LayerBuilder::builder()
                        .with_metrics(false)
                        .build()
                        .expect("the defaults are complete"),
                ),
            ),
            contender(
                "axum-tracing-opentelemetry",
                hello().layer(axum_tracing_opentelemetry::middleware::OtelAxumLayer::default()),
            ),
            contender(
                "tower-otel",
                hello().layer(tower_otel::trace::HttpLayer::server(tracing::Level::INFO)),
            ),
            contender(
                "tower-http TraceLayer",
                hello().layer(
                    tower_http::trace::TraceLayer::new_for_http().make_span_with(
                        tower_http::trace::DefaultMakeSpan::new().level(tracing::Level::INFO),
                    ),
                ),
            ),
        ],
    )
}

/// Detection of context loss, off and on: it is switched where the request is made, which is not measured.
fn watched(name: &str, kind: Kind) -> Case {
    let contender = |name: &str, layer: ServerLayer, is_on: bool| {
        let switch = if is_on { context_loss::start } else { context_loss::stop };
        let router = hello().layer(layer).with_state(());
        let request = move || {
            switch();
            Some(kind.request())
        };
        Contender::new(name, request, move |request| {
            let request = request.take();
            request.map(|request| answer(router.clone(), request))
        })
    };
    let layer = ServerLayer::new;
    let api = || layer().without_tracing_span();
    Case::new(
        name,
        self::contender("bare router", hello(), kind),
        [
            contender("otel-tower, detection off", layer(), false),
            contender("otel-tower, detection on", layer(), true),
            contender("without_tracing_span, detection off", api(), false),
            contender("without_tracing_span, detection on", api(), true),
        ],
    )
}

fn skipped() -> Case {
    let layer = ServerLayer::new().skip(otel_tower::predicate::path_prefix("/hello"));
    Case::new(
        "skipped",
        contender("bare router", hello(), Kind::Sampled),
        [contender("otel-tower", hello().layer(layer), Kind::Sampled)],
    )
}

/// A body of a hundred frames: what it costs more than one of one frame, divided by a hundred, is a frame's.
fn streamed() -> Case {
    let frames = || async {
        let frame = Ok::<_, Infallible>("hello");
        Body::from_stream(futures_util::stream::iter([frame; 100]))
    };
    let stream = || Router::new().route("/hello/{id}", get(frames));
    let layer = ServerLayer::new();
    Case::new(
        "100 frames",
        contender("bare router", stream(), Kind::Sampled),
        [
            contender("otel-tower", stream().layer(layer.clone()), Kind::Sampled),
            contender(
                "otel-tower without_tracing_span",
                stream().layer(layer.without_tracing_span()),
                Kind::Sampled,
            ),
        ],
    )
}

fn hello() -> Router {
    Router::new().route("/hello/{id}", get(|| async { "hello" }))
}

fn contender(name: &str, router: Router, kind: Kind) -> Contender {
    // As `axum::serve` does: the layers are applied once, not for each request.
    let router = router.with_state(());
    Contender::new(
        name,
        move || Some(kind.request()),
        move |request| {
            request
                .take()
                .map(|request| answer(router.clone(), request))
        },
    )
}
