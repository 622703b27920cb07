//! The layers beyond axum: a client of tower, and gRPC on both sides, against a peer, a hand-written span, and nothing.

mod call;
mod floor;
#[path = "../server/setup.rs"]
mod setup;

use http::Request;
use otel_benches::{Case, Contender};
use otel_tower::{ClientLayer, ServerLayer};
use tower_otel::trace::{GrpcLayer, HttpLayer};
use tracing::Level;

use self::call::{Body, Grpc, Http, Kind, Sent};

fn main() {
    otel_benches::main_in_processes(&[
        ("sdk", || {
            setup::install(setup::with_sdk());
            let mut cases = cases("sampled", Kind::Sampled);
            cases.extend(self::cases("unsampled", Kind::Unsampled));
            cases
        }),
        ("nothing", || cases("no SDK", Kind::Sampled)),
    ]);
}

fn cases(name: &str, kind: Kind) -> Vec<Case> {
    vec![
        client(name, kind),
        grpc_server(name, kind),
        grpc_client(name, kind),
    ]
}

fn client(name: &str, kind: Kind) -> Case {
    let send = |name: &str, service| contender(name, call::http_request, service);
    let kind = Sent::Inside(kind);
    Case::new(
        &format!("HTTP client, {name}"),
        send("bare service", call::service(Http, kind)),
        [
            send("otel-tower", call::layered(ClientLayer::new(), Http, kind)),
            send(
                "hand-written SDK span",
                call::layered(floor::Floor::http_client(), Http, kind),
            ),
            send(
                "tower-otel",
                call::layered(HttpLayer::client(Level::INFO), Http, kind),
            ),
        ],
    )
}

fn grpc_server(name: &str, kind: Kind) -> Case {
    let serve =
        |name: &str, service| contender(name, move || call::grpc_request(Some(kind)), service);
    let layer = || ServerLayer::new().grpc();
    Case::new(
        &format!("gRPC server, {name}"),
        serve("bare service", call::service(Grpc, Sent::Alone)),
        [
            serve("otel-tower", call::layered(layer(), Grpc, Sent::Alone)),
            serve(
                "otel-tower without_tracing_span",
                call::layered(layer().without_tracing_span(), Grpc, Sent::Alone),
            ),
            serve(
                "hand-written SDK span",
                call::layered(floor::Floor::grpc_server(), Grpc, Sent::Alone),
            ),
            serve(
                "tower-otel",
                call::layered(GrpcLayer::server(Level::INFO), Grpc, Sent::Alone),
            ),
        ],
    )
}

fn grpc_client(name: &str, kind: Kind) -> Case {
    let send = |name: &str, service| contender(name, || call::grpc_request(None), service);
    let kind = Sent::Inside(kind);
    Case::new(
        &format!("gRPC client, {name}"),
        send("bare service", call::service(Grpc, kind)),
        [
            send(
                "otel-tower",
                call::layered(ClientLayer::new().grpc(), Grpc, kind),
            ),
            send(
                "hand-written SDK span",
                call::layered(floor::Floor::grpc_client(), Grpc, kind),
            ),
            send(
                "tower-otel",
                call::layered(GrpcLayer::client(Level::INFO), Grpc, kind),
            ),
        ],
    )
}

fn contender(
    name: &str,
    request: impl Fn() -> Request<Body> + 'static,
    send: Box<dyn Fn(Request<Body>) -> usize>,
) -> Contender {
    Contender::new(
        name,
        move || Some(request()),
        move |request| request.take().map(&send),
    )
}
