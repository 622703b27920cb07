//! The client middleware on a chain whose last link answers, against the best known peer, a hand-written span, and nothing.

mod chain;
mod floor;
#[path = "../server/metrics.rs"]
mod metrics;
mod setup;

use otel_benches::{Case, Contender};
use otel_reqwest::ClientMiddleware;
use reqwest_tracing::TracingMiddleware;

use self::chain::{
    ANOTHER_HOST, ANOTHER_PATH, Chain, Context, FAILING, GET, MANY, PUT, Sent, in_turn,
};

fn main() {
    otel_benches::main_in_processes(&[
        ("sdk", || {
            setup::install();
            vec![
                case("sampled", &ALL, Context::Sampled, &[GET]),
                case("unsampled", &ALL, Context::Unsampled, &[GET]),
                case(
                    "two hosts in turn",
                    &ALL,
                    Context::Sampled,
                    &[GET, ANOTHER_HOST],
                ),
                case(
                    "two paths in turn",
                    &ALL,
                    Context::Sampled,
                    &[GET, ANOTHER_PATH],
                ),
                case("two methods in turn", &ALL, Context::Sampled, &[GET, PUT]),
                case("ten in turn", &ALL, Context::Sampled, &MANY),
                case("500", &ALL, Context::Sampled, &[FAILING]),
                case("baggage", &WITH_BAGGAGE, Context::WithBaggage, &[GET]),
                case("skipped", &[SKIPPING], Context::Sampled, &[GET]),
            ]
        }),
        ("sdk and metrics", || {
            setup::install();
            metrics::install();
            vec![
                case("metrics on", &[OURS], Context::Sampled, &[GET]),
                case("metrics on, unsampled", &[OURS], Context::Unsampled, &[GET]),
                case("metrics on, ten in turn", &[OURS], Context::Sampled, &MANY),
            ]
        }),
    ]);
}

/// The name of a middleware, and a function that makes a chain with it.
type Linked = (&'static str, fn() -> Chain);

const ALL: [Linked; 3] = [OURS, SDK_SPAN, PEER];
/// Without the peer, whose propagator does not carry baggage.
const WITH_BAGGAGE: [Linked; 2] = [OURS, SDK_SPAN];

const OURS: Linked = ("otel-reqwest", || Chain::with(ClientMiddleware::new()));
const SDK_SPAN: Linked = ("hand-written SDK span", || Chain::with(floor::Floor::new()));
const PEER: Linked = ("reqwest-tracing", || {
    Chain::with(TracingMiddleware::default())
});
const SKIPPING: Linked = ("otel-reqwest", || {
    let skip = otel_reqwest::predicate::path_prefix("/quote");
    Chain::with(ClientMiddleware::new().skip(skip))
});

/// Sends the requests in turn through each chain.
fn case(name: &str, chains: &[Linked], context: Context, sent: &[Sent]) -> Case {
    let contender = |(name, chain): &Linked| {
        let chain = chain();
        Contender::new(name, in_turn(sent), move |request| {
            request.take().map(|request| chain.send(request, context))
        })
    };
    let bare: Linked = ("bare chain", Chain::bare);
    Case::new(name, contender(&bare), chains.iter().map(contender))
}
