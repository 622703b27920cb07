//! Links and parents of spans of consumers.

use opentelemetry::trace::{Link, SpanId, SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use otel_core::propagation::CompositePropagator;
use otel_messaging::extract;

use crate::observed::{Headers, Observed, attribute, linked};

#[test]
fn a_consumer_is_linked_to_its_producer_and_starts_a_trace_by_default() {
    let observed = Observed::new();
    let (headers, producer) = observed.message();
    drop(observed.messaging.process("orders").from(&headers).start());
    let process = observed.last("process orders");
    assert_eq!(process.parent_span_id, SpanId::INVALID);
    assert_ne!(process.span_context.trace_id(), producer.trace_id());
    assert_eq!(linked(&process), [producer.span_id()]);
    let link = process.links.links[0].span_context.clone();
    assert_eq!(link.trace_id(), producer.trace_id());
}

#[test]
fn a_linked_consumer_stays_under_the_ambient_span() {
    let observed = Observed::new();
    let (headers, producer) = observed.message();
    let ambient = observed.in_ambient(|ambient| {
        drop(observed.messaging.process("orders").from(&headers).start());
        ambient
    });
    let process = observed.last("process orders");
    assert_eq!(process.parent_span_id, ambient.span_id());
    assert_eq!(linked(&process), [producer.span_id()]);
}

#[test]
fn a_consumer_is_the_producer_s_child_by_choice_and_still_linked() {
    let observed = Observed::new();
    let (headers, producer) = observed.message();
    let process = observed.messaging.process("orders").from(&headers);
    drop(process.parent_from_message().start());
    let process = observed.last("process orders");
    assert_eq!(process.parent_span_id, producer.span_id());
    assert_eq!(process.span_context.trace_id(), producer.trace_id());
    assert!(process.parent_span_is_remote);
    assert_eq!(linked(&process), [producer.span_id()]);
}

#[test]
fn the_order_of_from_and_parent_from_message_does_not_matter() {
    let observed = Observed::new();
    let (headers, producer) = observed.message();
    let process = observed.messaging.process("orders").parent_from_message();
    drop(process.from(&headers).start());
    let process = observed.last("process orders");
    assert_eq!(process.parent_span_id, producer.span_id());
}

#[test]
fn a_span_that_was_active_becomes_the_second_link_of_a_consumer_with_a_message_as_parent() {
    let observed = Observed::new();
    let (headers, producer) = observed.message();
    let ambient = observed.in_ambient(|ambient| {
        let process = observed.messaging.process("orders").from(&headers);
        drop(process.parent_from_message().start());
        ambient
    });
    let process = observed.last("process orders");
    assert_eq!(process.parent_span_id, producer.span_id());
    assert_eq!(linked(&process), [producer.span_id(), ambient.span_id()]);
}

#[test]
fn a_message_without_a_context_leaves_the_ambient_one() {
    let observed = Observed::new();
    let cases: [(&str, &[(&str, &str)]); 2] = [
        ("no headers", &[]),
        ("not a context", &[("traceparent", "00-0-0-01")]),
    ];
    for (name, headers) in cases {
        for by_choice in [false, true] {
            let ambient = observed.in_ambient(|ambient| {
                let mut process = observed.messaging.process("orders").from(headers);
                if by_choice {
                    process = process.parent_from_message();
                }
                drop(process.start());
                ambient
            });
            let process = observed.last("process orders");
            let parent = process.parent_span_id;
            assert_eq!(parent, ambient.span_id(), "{name}, {by_choice}");
            assert_eq!(linked(&process), [], "{name}, {by_choice}");
        }
    }
}

#[test]
fn a_consumer_is_linked_even_if_the_message_s_context_was_attached_before() {
    let observed = Observed::new();
    let (headers, producer) = observed.message();
    let propagator = CompositePropagator::default();
    for by_choice in [false, true] {
        let extracted = extract(&propagator, &Context::new(), &headers);
        let _active = extracted.attach();
        let mut process = observed.messaging.process("orders").from(&headers);
        if by_choice {
            process = process.parent_from_message();
        }
        drop(process.start());
        let process = observed.last("process orders");
        assert_eq!(process.parent_span_id, producer.span_id());
        assert_eq!(linked(&process), [producer.span_id()], "{by_choice}");
    }
}

#[test]
fn a_batch_links_each_message_and_stays_under_the_ambient_span() {
    let observed = Observed::new();
    let (first, first_sent) = observed.message();
    let (second, second_sent) = observed.message();
    let offset = |n: i64| [KeyValue::new("messaging.kafka.offset", n)];
    let ambient = observed.in_ambient(|ambient| {
        let batch = observed
            .messaging
            .process("orders")
            .batch_message(&first, offset(1))
            .batch_message(&second, offset(2))
            .batch_message(Headers::new(), offset(3))
            .parent_from_message();
        drop(batch.start());
        ambient
    });
    let process = observed.last("process orders");
    assert_eq!(process.parent_span_id, ambient.span_id());
    let links = process.links.links.clone();
    assert_eq!(
        linked(&process),
        [first_sent.span_id(), second_sent.span_id()]
    );
    for (n, Link { attributes, .. }) in (1_i64..).zip(&links) {
        let offset = attribute(attributes, "messaging.kafka.offset");
        assert_eq!(offset, Some(n.into()));
    }
    let count = attribute(&process.attributes, "messaging.batch.message_count");
    assert_eq!(count, Some(3.into()));
}

#[test]
fn a_batch_is_never_the_child_of_one_of_its_messages() {
    let observed = Observed::new();
    let (headers, producer) = observed.message();
    let batch = observed.messaging.process("orders").from(&headers);
    drop(batch.batch_size(2).parent_from_message().start());
    let process = observed.last("process orders");
    assert_eq!(process.parent_span_id, SpanId::INVALID);
    assert_eq!(linked(&process), [producer.span_id()]);
}

#[test]
fn the_batch_count_is_only_on_batches() {
    let observed = Observed::new();
    drop(observed.messaging.send("orders").start());
    let span = observed.last("send orders");
    let count = attribute(&span.attributes, "messaging.batch.message_count");
    assert_eq!(count, None);

    drop(observed.messaging.send("orders").batch_size(5).start());
    let span = observed.last("send orders");
    let count = attribute(&span.attributes, "messaging.batch.message_count");
    assert_eq!(count, Some(5.into()));
}

#[test]
fn sending_messages_that_were_created_before_is_a_client_span_linked_to_them() {
    let observed = Observed::new();
    let mut headers = Headers::new();
    let create = observed.messaging.create("orders").start();
    create.inject(&mut headers);
    let created = create.context().span().span_context().clone();
    drop(create);
    let send = observed.messaging.send("orders");
    drop(send.batch_message(&headers, []).start());
    let send = observed.last("send orders");
    assert_eq!(send.span_kind, SpanKind::Client);
    assert_eq!(linked(&send), [created.span_id()]);
}
