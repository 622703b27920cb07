//! Build it with `cargo lambda build --bin lambda` for AWS Lambda, behind an API Gateway or with a function URL.
//!
//! Lambda freezes the process as soon as the response is posted. The flush layer exports all spans before that.
//! Variables: those of `otel_setup`, and those that Lambda sets.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use otel_tower::ServerLayer;

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    let telemetry = otel_setup::builder()
        .service_name("lambda")
        // The longest time that a hanging endpoint adds to a request.
        .flush_limit(Duration::from_secs(2))
        .init()?;
    let app = Router::new()
        .route("/orders/{id}", get(order))
        .layer(ServerLayer::new())
        .layer(telemetry.flush_layer());
    lambda_http::run(app).await
}

#[tracing::instrument]
async fn order(Path(id): Path<u32>) -> String {
    tracing::info!("looked up");
    format!("order {id}\n")
}
