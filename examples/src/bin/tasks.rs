//! Run with `cargo run -p otel-examples --bin tasks`, then open http://127.0.0.1:8088/report.
//!
//! One request that runs work in a task, on a blocking thread, on a new thread and in a rayon pool. All of it is one trace.
//! Variables: `LISTEN` (127.0.0.1:8088), and those of `otel_setup`.

use std::thread;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use otel_core::task::{Carried, carry, in_context};
use otel_examples::serve;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("tasks")?;
    let app = Router::new()
        .route("/report", get(report))
        .layer(otel_tower::ServerLayer::new());
    serve("tasks", app, 8088).await
}

async fn report() -> Result<String, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let task = tokio::spawn(in_context(async { work("task") }));
    let blocking = tokio::task::spawn_blocking(carry(|| work("blocking")));
    let (task, blocking) = (task.await.map_err(failed)?, blocking.await.map_err(failed)?);

    let own = thread::spawn(carry(|| work("thread")));
    let own = own.join().map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;

    // The context is taken once, and each item runs inside it, on any thread of the pool.
    let carried = Carried::current();
    let items = (0..4).into_par_iter();
    let pool: u32 = items.map(|_| carried.run(|| work("pool"))).sum();
    Ok(format!("{}\n", task + blocking + own + pool))
}

#[tracing::instrument]
fn work(place: &str) -> u32 {
    tracing::info!("working");
    1
}
