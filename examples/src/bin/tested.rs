//! Test with `cargo test -p otel-examples --bin tested`; run with `cargo run -p otel-examples --bin tested`.
//!
//! A service whose tests fail if its trace breaks, if a line has no ids, or if a secret is recorded.
//! Variables: `LISTEN` (127.0.0.1:8096), and those of `otel_setup`.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use otel_core::task::in_context;
use otel_examples::serve;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("tested")?;
    serve("tested", app(), 8096).await
}

fn app() -> Router {
    Router::new()
        .route("/quote/{sku}", get(quote))
        .layer(otel_tower::ServerLayer::new())
}

async fn quote(Path(sku): Path<String>) -> String {
    tracing::info!(sku, "quoted");
    let looked_up = tokio::spawn(in_context(look_up(sku)));
    looked_up.await.unwrap_or_default()
}

#[tracing::instrument]
async fn look_up(sku: String) -> String {
    format!("{sku} costs 250 cents\n")
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use otel_testkit::{Recorder, assert_logs_correlated, assert_no_secret};
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn a_request_is_one_trace_and_keeps_its_secrets() {
        let recorder = Recorder::new();
        let _guard = tracing::subscriber::set_default(recorder.subscriber());
        let request = Request::get("/quote/espresso?token=S3cr-t-0f-Ada");
        let request = request.body(Body::empty()).unwrap();
        let response = app().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        assert_eq!(body.unwrap(), "espresso costs 250 cents\n"); // the SERVER span ends with the body

        let trace = recorder.trace(); // fails and shows the parts if `in_context` is removed
        trace.assert_child_of("look_up", "GET /quote/{sku}");
        trace.assert_no_orphans();
        assert_logs_correlated(&[trace], &recorder.logs());
        assert_no_secret(&recorder.traces(), &recorder.logs(), "S3cr-t-0f-Ada");
    }
}
