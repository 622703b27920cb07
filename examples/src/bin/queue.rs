//! Run with `cargo run -p otel-examples --bin queue`.
//!
//! Three orders pass through a queue. Each message carries the context of its producer in its headers. The consumer's span starts
//! a new trace and links to the producer's span.
//! Variables: those of `otel_setup`.

use std::collections::HashMap;

use otel_messaging::Messaging;
use tokio::sync::mpsc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("queue")?;
    let (send, receive) = mpsc::channel(8);
    let consumer = tokio::spawn(consume(receive));
    for number in 1..=3 {
        place(number, &send).await?;
    }
    drop(send);
    consumer.await?;
    Ok(())
}

/// A message as the broker stores it.
struct Message {
    headers: HashMap<String, String>,
    order: u32,
}

#[tracing::instrument(name = "place order", skip(queue))]
async fn place(order: u32, queue: &mpsc::Sender<Message>) -> anyhow::Result<()> {
    let mut headers = HashMap::new();
    let span = Messaging::new("memory").send("orders").start();
    span.inject(&mut headers);
    let message = Message { headers, order };
    span.in_context(queue.send(message)).await?;
    tracing::info!(order, "placed");
    Ok(())
}

async fn consume(mut queue: mpsc::Receiver<Message>) {
    let memory = Messaging::new("memory");
    while let Some(message) = queue.recv().await {
        let span = memory.process("orders").from(&message.headers).start();
        span.run(|| tracing::info!(order = message.order, "packed"));
    }
}
