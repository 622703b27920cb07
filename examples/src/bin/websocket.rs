//! Run with `cargo run -p otel-examples --bin websocket`, then connect to ws://127.0.0.1:8090/chat.
//!
//! The request ends with the upgrade, and axum runs the socket in another task. `on_upgrade_in_context` runs it in the request's
//! context, so each message has a span in the request's trace.
//! Variables: `LISTEN` (127.0.0.1:8090), and those of `otel_setup`.

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::any;
use otel_examples::serve;
use otel_tower::WebSocketUpgradeExt as _;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("websocket")?;
    let app = Router::new()
        .route("/chat", any(chat))
        .layer(otel_tower::ServerLayer::new());
    serve("websocket", app, 8090).await
}

async fn chat(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade_in_context(talk)
}

async fn talk(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let Message::Text(text) = message else {
            continue;
        };
        let answer = answer(text.as_str());
        if socket.send(Message::text(answer)).await.is_err() {
            return;
        }
    }
}

#[tracing::instrument(skip(text))]
fn answer(text: &str) -> String {
    tracing::info!(length = text.len(), "answering");
    text.chars().rev().collect()
}
