//! The client middleware against real local servers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod attributes;
mod context;
mod endings;
mod server;

use otel_core::propagation::CompositePropagator;
use otel_reqwest::ClientMiddleware;
use otel_testkit::Recorder;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

/// A traced client that does not depend on anything global.
fn client(recorder: &Recorder) -> ClientWithMiddleware {
    client_of(reqwest::Client::new(), recorder)
}

fn client_of(inner: reqwest::Client, recorder: &Recorder) -> ClientWithMiddleware {
    let propagator: CompositePropagator = "tracecontext,baggage".parse().unwrap();
    let middleware = ClientMiddleware::new()
        .tracer_provider(&recorder.tracer_provider())
        .propagator(propagator);
    ClientBuilder::new(inner).with(middleware).build()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}
