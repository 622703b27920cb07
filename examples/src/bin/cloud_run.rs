//! For Google Cloud Run with CPU only during requests. Run with `PORT=8090 cargo run -p otel-examples --bin cloud_run`, then open
//! http://127.0.0.1:8090/orders/7.
//!
//! Cloud Run may freeze the process as soon as a response is complete. The flush layer exports all spans before that.
//! Variables: `PORT` (8080), and those of `otel_setup`.

use std::env;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use futures_util::stream;
use otel_setup::shutdown_signal;
use otel_tower::ServerLayer;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let telemetry = otel_setup::builder()
        .service_name("cloud_run")
        // The longest time that a hanging endpoint adds to a request.
        .flush_limit(Duration::from_secs(2))
        .init()?;
    let app = Router::new()
        .route("/orders/{id}", get(order))
        .route("/orders", get(orders))
        .layer(ServerLayer::new())
        .layer(telemetry.flush_layer());
    let port = env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = TcpListener::bind(format!("0.0.0.0:{port}")).await?;
    eprintln!("cloud_run listening on http://{}", listener.local_addr()?);
    let server = axum::serve(listener, app).with_graceful_shutdown(shutdown_signal());
    Ok(server.await?)
}

#[tracing::instrument]
async fn order(Path(id): Path<u32>) -> String {
    tracing::info!("looked up");
    format!("order {id}\n")
}

/// Streams all orders. Each line is sent at once.
#[tracing::instrument]
async fn orders() -> axum::body::Body {
    let orders = (1..=3).map(|id| anyhow::Ok(format!("order {id}\n")));
    axum::body::Body::from_stream(stream::iter(orders))
}
