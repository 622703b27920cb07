//! The client middleware on a chain whose last link answers, against the best known peer, a hand-written span, and nothing.

mod chain;
mod floor;
mod setup;

use otel_benches::{Case, Contender};
use otel_reqwest::ClientMiddleware;
use reqwest_tracing::TracingMiddleware;

use self::chain::{Chain, Kind};

fn main() {
    setup::install();
    otel_benches::main_over_first(vec![
        case("sampled", Kind::Sampled),
        case("unsampled", Kind::Unsampled),
        skipped(),
    ]);
}

fn case(name: &str, kind: Kind) -> Case {
    Case::new(
        name,
        contender("bare chain", Chain::bare(), kind),
        [
            contender("otel-reqwest", Chain::with(ClientMiddleware::new()), kind),
            contender(
                "hand-written SDK span",
                Chain::with(floor::Floor::new()),
                kind,
            ),
            contender(
                "reqwest-tracing",
                Chain::with(TracingMiddleware::default()),
                kind,
            ),
        ],
    )
}

fn skipped() -> Case {
    let skipping = ClientMiddleware::new().skip(otel_reqwest::predicate::path_prefix("/quote"));
    Case::new(
        "skipped",
        contender("bare chain", Chain::bare(), Kind::Sampled),
        [contender(
            "otel-reqwest",
            Chain::with(skipping),
            Kind::Sampled,
        )],
    )
}

fn contender(name: &str, chain: Chain, kind: Kind) -> Contender {
    Contender::new(
        name,
        || Some(chain::request()),
        move |request| request.take().map(|request| chain.send(request, kind)),
    )
}
