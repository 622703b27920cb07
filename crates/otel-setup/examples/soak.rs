//! Run by `cargo xtask soak`: a service of two spans per request that says at the end what became of them.

use std::future::IntoFuture as _;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use otel_tower::ServerLayer;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let telemetry = otel_setup::init("soak")?;
    let app = Router::new()
        .route("/work/{id}", get(work))
        .layer(ServerLayer::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("http://{}", listener.local_addr()?);
    let server = axum::serve(listener, app).with_graceful_shutdown(otel_setup::shutdown_signal());
    if let Some(result) = otel_setup::drain(Duration::from_secs(5), server.into_future()).await {
        result?;
    }
    if let Some(counts) = telemetry.shutdown() {
        eprintln!(
            "exported={} dropped={} lost={} waiting={}",
            counts.exported, counts.dropped, counts.lost, counts.waiting
        );
    }
    Ok(())
}

async fn work(Path(id): Path<u64>) -> String {
    let span = tracing::info_span!("work", id);
    span.in_scope(|| id.wrapping_mul(id).to_string())
}
