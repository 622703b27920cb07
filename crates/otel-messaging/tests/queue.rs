//! A real queue between two threads. The global provider and propagator are set after the instrument was created.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::sync::mpsc;
use std::thread;

use opentelemetry::global;
use opentelemetry::trace::{SpanKind, Tracer as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use otel_core::propagation;
use otel_messaging::Messaging;

struct Message {
    headers: Vec<(String, Vec<u8>)>,
    body: u32,
}

#[test]
fn producer_and_consumer_are_one_trace_through_a_queue() {
    let queue = Messaging::new("std.mpsc");
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    global::set_tracer_provider(provider);
    global::set_text_map_propagator(propagation::TraceContextPropagator::new());

    let (sender, messages) = mpsc::channel::<Message>();
    let consumer = {
        let queue = queue.clone();
        thread::spawn(move || {
            for message in messages {
                let process = queue
                    .process("orders")
                    .from(&message.headers)
                    .parent_from_message()
                    .start();
                process.run(|| {
                    assert_eq!(message.body, 7);
                    global::tracer("test").in_span("charge", |_| ());
                });
            }
        })
    };
    global::tracer("test").in_span("request", |_| {
        let send = queue.send("orders").start();
        let mut headers = Vec::new();
        send.inject(&mut headers);
        sender.send(Message { headers, body: 7 }).unwrap();
    });
    drop(sender);
    consumer.join().unwrap();

    let spans = exporter.get_finished_spans().unwrap();
    let find = |name: &str| spans.iter().find(|span| span.name == name).expect(name);
    let chain = ["request", "send orders", "process orders", "charge"].map(find);
    for pair in chain.windows(2) {
        let (parent, child) = (&pair[0].span_context, pair[1]);
        let name = &child.name;
        assert_eq!(child.parent_span_id, parent.span_id(), "{name}");
        assert_eq!(child.span_context.trace_id(), parent.trace_id(), "{name}");
    }
    let kinds = chain.map(|span| span.span_kind.clone());
    let (producer, consumer) = (SpanKind::Producer, SpanKind::Consumer);
    let expected = [SpanKind::Internal, producer, consumer, SpanKind::Internal];
    assert_eq!(kinds, expected);
    assert_eq!(spans.len(), 4);
}
