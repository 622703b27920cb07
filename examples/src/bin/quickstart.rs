//! Run with `OTEL_SERVICE_NAME=quickstart cargo run -p otel-examples --bin quickstart`, then open http://127.0.0.1:8080/hello/you.

use axum::{Router, extract::Path, routing::get};
use otel_setup::shutdown_signal;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _telemetry = otel_setup::builder().init()?;
    let hello = |Path(name): Path<String>| async move {
        tracing::info!(name, "greeting");
        format!("Hello, {name}!\n")
    };
    let app = Router::new().route("/hello/{name}", get(hello));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    let server = axum::serve(listener, app.layer(otel_tower::ServerLayer::new()));
    Ok(server.with_graceful_shutdown(shutdown_signal()).await?)
}
