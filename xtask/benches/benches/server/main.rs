//! The server layer on an axum router, against peers, a hand-written span, and nothing.

mod contenders;
mod floor;

mod metrics;
mod request;
mod setup;

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use otel_benches::{Case, Contender};
use otel_core::context_loss;
use otel_tower::ServerLayer;

use self::contenders::{
    ALL, Layered, NEAREST, TOWER_OTEL_WITH_METRICS, UNDER_OTEL_TRACING,
    UNDER_TRACING_OPENTELEMETRY, WITH_METRICS,
};
use self::request::{MANY, PUT, SAMPLED, Sent, TWO_ROUTES, UNSAMPLED, answer, in_turn};

fn main() {
    otel_benches::main_in_processes(&[
        ("sdk", || {
            setup::install(setup::with_sdk());
            with_sdk()
        }),
        ("sdk under tracing-opentelemetry", || {
            setup::install(setup::with_tracing_opentelemetry());
            vec![
                case("sampled", &UNDER_TRACING_OPENTELEMETRY, &[SAMPLED]),
                case("unsampled", &UNDER_TRACING_OPENTELEMETRY, &[UNSAMPLED]),
            ]
        }),
        ("sdk and metrics under tracing-opentelemetry", || {
            setup::install(setup::with_tracing_opentelemetry());
            metrics::install();
            vec![
                case("metrics on", &TOWER_OTEL_WITH_METRICS, &[SAMPLED]),
                case(
                    "metrics on, unsampled",
                    &TOWER_OTEL_WITH_METRICS,
                    &[UNSAMPLED],
                ),
                case("metrics on, ten in turn", &TOWER_OTEL_WITH_METRICS, &MANY),
            ]
        }),
        ("sdk and metrics", || {
            setup::install(setup::with_sdk());
            metrics::install();
            vec![
                case("metrics on", &WITH_METRICS, &[SAMPLED]),
                case("metrics on, unsampled", &WITH_METRICS, &[UNSAMPLED]),
                case("metrics on, ten in turn", &WITH_METRICS, &MANY),
            ]
        }),
        ("nothing", || {
            vec![
                case("no SDK", &ALL, &[SAMPLED]),
                case("no SDK", &UNDER_TRACING_OPENTELEMETRY[1..4], &[SAMPLED]),
            ]
        }),
    ]);
}

fn with_sdk() -> Vec<Case> {
    let another_host = Sent {
        host: "cart.example:8080",
        ..SAMPLED
    };
    let another_agent = Sent {
        agent: "probe/2.1 (otel-benches)",
        ..SAMPLED
    };
    let nowhere = Sent {
        target: "/nowhere/42?lang=en&verbose=1",
        ..SAMPLED
    };
    let failing = Sent {
        target: "/fail/42?lang=en&verbose=1",
        ..SAMPLED
    };
    let from_peer = Sent {
        has_peer: true,
        ..SAMPLED
    };
    let with_baggage = Sent {
        baggage: Some("tenant=acme,user=4711,plan=gold;ttl=60"),
        ..SAMPLED
    };
    vec![
        case("sampled", &ALL, &[SAMPLED]),
        case("unsampled", &ALL, &[UNSAMPLED]),
        case("sampled", &UNDER_OTEL_TRACING, &[SAMPLED]),
        case("unsampled", &UNDER_OTEL_TRACING, &[UNSAMPLED]),
        case("two routes in turn", &NEAREST, &TWO_ROUTES),
        case("two methods in turn", &NEAREST, &[SAMPLED, PUT]),
        case("two hosts in turn", &NEAREST, &[SAMPLED, another_host]),
        case("two agents in turn", &NEAREST, &[SAMPLED, another_agent]),
        case("ten in turn", &NEAREST, &MANY),
        after("GET after GET", SAMPLED),
        after("GET after PUT", PUT),
        case("404, no route", &NEAREST, &[nowhere]),
        case("500", &NEAREST, &[failing]),
        case("peer address", &NEAREST, &[from_peer]),
        case("baggage", &NEAREST, &[with_baggage]),
        watched("watched", SAMPLED),
        watched("watched, unsampled", UNSAMPLED),
        skipped(),
        streamed(),
    ]
}

/// Sends the requests in turn through each layer.
fn case(name: &str, layers: &[Layered], sent: &[Sent]) -> Case {
    let contender = |(name, add): &Layered| contender(name, add(app()), in_turn(sent));
    let bare: Layered = ("bare router", |app| app);
    Case::new(name, contender(&bare), layers.iter().map(contender))
}

/// Measures a request directly after another request, which is not measured.
fn after(name: &str, before: Sent) -> Case {
    let contender = |(name, add): &Layered| {
        let router = add(app()).with_state(());
        let first = router.clone();
        let request = move || {
            answer(first.clone(), before.request());
            Some(SAMPLED.request())
        };
        contender(name, router, request).one_by_one()
    };
    let bare: Layered = ("bare router", |app| app);
    Case::new(name, contender(&bare), NEAREST.iter().map(contender))
}

/// Measures detection of context loss, off and on. `prepare` switches it, which is not measured.
fn watched(name: &str, sent: Sent) -> Case {
    let contender = |name: &str, layer: ServerLayer, is_on: bool| {
        let switch = if is_on {
            context_loss::start
        } else {
            context_loss::stop
        };
        let request = move || {
            switch();
            Some(sent.request())
        };
        self::contender(name, app().layer(layer), request)
    };
    let layer = ServerLayer::new;
    let api = || layer().without_tracing_span();
    Case::new(
        name,
        self::contender("bare router", app(), in_turn(&[sent])),
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
        contender("bare router", app(), in_turn(&[SAMPLED])),
        [contender(
            "otel-tower",
            app().layer(layer),
            in_turn(&[SAMPLED]),
        )],
    )
}

/// Sends a body of a hundred frames. The cost of a frame is the difference to the case `sampled`, divided by a hundred.
fn streamed() -> Case {
    let frames = || async {
        let frame = Ok::<_, Infallible>("hello");
        Body::from_stream(futures_util::stream::iter([frame; 100]))
    };
    let stream = || Router::new().route("/hello/{id}", get(frames));
    let layer = ServerLayer::new();
    let contender = |name, router| contender(name, router, in_turn(&[SAMPLED]));
    Case::new(
        "100 frames",
        contender("bare router", stream()),
        [
            contender("otel-tower", stream().layer(layer.clone())),
            contender(
                "otel-tower without_tracing_span",
                stream().layer(layer.without_tracing_span()),
            ),
        ],
    )
}

fn app() -> Router {
    let hello = || async { "hello" };
    let methods = || get(hello).put(hello).post(hello);
    Router::new()
        .route("/hello/{id}", methods())
        .route("/orders/{id}", methods())
        .route("/carts/{id}/items", methods())
        .route("/users/{id}/items", methods())
        .route("/prices/{id}", methods())
        .route(
            "/fail/{id}",
            get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
        )
}

fn contender(
    name: &str,
    router: Router,
    request: impl Fn() -> Option<Request<Body>> + 'static,
) -> Contender {
    // As `axum::serve` does: the layers are applied once, not for each request.
    let router = router.with_state(());
    Contender::new(name, request, move |request| {
        request
            .take()
            .map(|request| answer(router.clone(), request))
    })
}
