//! Run with `cargo run -p otel-examples --bin streaming`, then `curl http://127.0.0.1:8089/lines`, `/events` and `/endless`.
//!
//! The span of a stream ends with the stream, and the stream runs inside the span. The span of an event stream, which stays open for
//! hours, ends with the response head. After SIGTERM streams have five seconds, and the remaining streams are dropped.
//! Variables: `LISTEN` (127.0.0.1:8089), and those of `otel_setup`.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::sse::{Event, Sse};
use axum::routing::get;
use futures_util::stream::{self, Stream, StreamExt as _};
use otel_examples::serve;
use otel_tower::{EndAt, ServerLayer};
use tokio::runtime::Runtime;

fn main() -> anyhow::Result<()> {
    // Made before the runtime and dropped after it, so the spans of dropped streams are flushed too.
    let _telemetry = otel_setup::init("streaming")?;
    let runtime = Runtime::new()?;
    let result = runtime.block_on(serve_streams());
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve_streams() -> anyhow::Result<()> {
    let layer =
        ServerLayer::new().end_at_by(|_, response| match response.headers().get("content-type") {
            Some(kind) if kind == "text/event-stream" => EndAt::Headers,
            _ => EndAt::Body,
        });
    let app = Router::new()
        .route("/lines", get(|| async { Body::from_stream(lines()) }))
        .route("/events", get(|| async { Sse::new(events()) }))
        .route("/endless", get(|| async { Body::from_stream(endless()) }))
        .layer(layer);
    serve("streaming", app, 8089).await
}

/// Sends ten lines in a second.
fn lines() -> impl Stream<Item = Result<String, Infallible>> {
    stream::iter(1..=10).then(|number| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok(write_line(number))
    })
}

#[tracing::instrument]
fn write_line(number: u32) -> String {
    format!("line {number}\n")
}

/// Sends one line and never ends.
fn endless() -> impl Stream<Item = Result<String, Infallible>> {
    stream::iter([Ok(write_line(1))]).chain(stream::pending())
}

/// Sends one event per second and never ends.
fn events() -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(1_u64, |number| async move {
        let event = Event::default().data(number.to_string());
        if number > 1 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Some((Ok(event), number + 1))
    })
}
