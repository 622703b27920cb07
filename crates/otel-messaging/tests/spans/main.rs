//! PRODUCER and CONSUMER spans: names, kinds, attributes, links and parents.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod links;
mod observed;

use std::thread;
use std::time::{Duration, SystemTime};

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{
    SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, Value};
use otel_core::propagation::CompositePropagator;
use otel_messaging::{MessageSpanBuilder, Messaging};

use self::observed::{Headers, Observed, attribute, linked};

#[test]
fn name_and_kind_follow_the_table() {
    type Build = for<'a> fn(&'a Messaging) -> MessageSpanBuilder<'a>;
    let cases: [(&str, Build, SpanKind, &str); 15] = [
        (
            "create",
            |m| m.create("orders"),
            SpanKind::Producer,
            "create orders",
        ),
        (
            "send",
            |m| m.send("orders"),
            SpanKind::Producer,
            "send orders",
        ),
        (
            "receive",
            |m| m.receive("orders"),
            SpanKind::Client,
            "receive orders",
        ),
        (
            "process",
            |m| m.process("orders"),
            SpanKind::Consumer,
            "process orders",
        ),
        (
            "settle",
            |m| m.settle("orders"),
            SpanKind::Client,
            "settle orders",
        ),
        (
            "the system's own name",
            |m| m.settle("orders").operation_name("ack"),
            SpanKind::Client,
            "ack orders",
        ),
        (
            "template",
            |m| m.send("customers/7").destination_template("customers/{id}"),
            SpanKind::Producer,
            "send customers/{id}",
        ),
        (
            "temporary",
            |m| m.send("amq.gen-4711").temporary_destination(),
            SpanKind::Producer,
            "send",
        ),
        (
            "temporary, known server",
            |m| {
                m.send("amq.gen-4711")
                    .temporary_destination()
                    .server("mq", 5672)
            },
            SpanKind::Producer,
            "send",
        ),
        (
            "temporary and nameless, known server",
            |m| m.send("").temporary_destination().server("mq", 5672),
            SpanKind::Producer,
            "send",
        ),
        (
            "anonymous",
            |m| m.receive("amq.gen-4711").anonymous_destination(),
            SpanKind::Client,
            "receive",
        ),
        (
            "anonymous and temporary, with a template",
            |m| {
                m.process("replies/4711")
                    .anonymous_destination()
                    .temporary_destination()
                    .destination_template("replies/{id}")
            },
            SpanKind::Consumer,
            "process replies/{id}",
        ),
        (
            "no destination, known server",
            |m| m.receive("").server("mq", 5672),
            SpanKind::Client,
            "receive mq:5672",
        ),
        ("nameless", |m| m.send(""), SpanKind::Producer, "send"),
        (
            "server beside a name",
            |m| m.send("orders").server("mq", 5672),
            SpanKind::Producer,
            "send orders",
        ),
    ];
    for (name, build, kind, expected) in cases {
        let observed = Observed::new();
        drop(build(&observed.messaging).start());
        let span = observed.last(expected);
        assert_eq!(span.span_kind, kind, "{name}");
    }
}

#[test]
fn attributes_have_the_conventional_keys() {
    let observed = Observed::new();
    let span = observed
        .messaging
        .process("orders")
        .operation_name("consume")
        .message_id("4711")
        .conversation_id("c-1")
        .consumer_group("billing")
        .client_id("billing-2")
        .partition("3")
        .server("broker.example", 9092)
        .attribute(KeyValue::new("messaging.kafka.offset", 12))
        .start();
    span.set_attribute(KeyValue::new("late", true));
    drop(span);
    let span = observed.last("consume orders");
    let expected: [(&str, Value); 13] = [
        ("messaging.system.name", "kafka".into()),
        ("messaging.operation.name", "consume".into()),
        ("messaging.operation.type", "process".into()),
        ("messaging.destination.name", "orders".into()),
        ("messaging.message.id", "4711".into()),
        ("messaging.message.conversation_id", "c-1".into()),
        ("messaging.consumer.group.name", "billing".into()),
        ("messaging.client.id", "billing-2".into()),
        ("messaging.destination.partition.id", "3".into()),
        ("server.address", "broker.example".into()),
        ("server.port", 9092.into()),
        ("messaging.kafka.offset", 12.into()),
        ("late", true.into()),
    ];
    for (key, value) in &expected {
        assert_eq!(
            attribute(&span.attributes, key).as_ref(),
            Some(value),
            "{key}"
        );
    }
    assert_eq!(span.attributes.len(), expected.len());
    let scope = span.instrumentation_scope;
    assert_eq!(scope.name(), "otel_messaging");
}

#[test]
fn a_temporary_queue_s_span_is_named_by_its_operation_and_marked() {
    for kind in ["temporary", "anonymous"] {
        let observed = Observed::new();
        let process = observed.messaging.process("amq.gen-4711");
        let process = process.server("mq", 5672);
        drop(match kind {
            "temporary" => process.temporary_destination().start(),
            _ => process.anonymous_destination().start(),
        });
        let span = observed.last("process");
        for (key, value) in [
            ("messaging.destination.temporary", kind == "temporary"),
            ("messaging.destination.anonymous", kind == "anonymous"),
        ] {
            let marked = attribute(&span.attributes, key);
            assert_eq!(marked, value.then_some(true.into()), "{kind}, {key}");
        }
        let name = attribute(&span.attributes, "messaging.destination.name");
        assert_eq!(name, Some("amq.gen-4711".into()));
    }
}

#[test]
fn receiving_can_start_before_it_is_known_what_came() {
    let observed = Observed::new();
    let (headers, producer) = observed.message();
    let began = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let receive = observed.messaging.receive("orders").started_at(began);
    drop(receive.batch_message(&headers, []).start());
    let receive = observed.last("receive orders");
    assert_eq!(receive.start_time, began);
    assert_eq!(linked(&receive), [producer.span_id()]);
}

#[test]
fn the_message_s_baggage_comes_along_linked_or_parented() {
    let observed = Observed::new();
    let mut headers = Headers::new();
    let attached = Context::current_with_baggage([KeyValue::new("tenant", "7")]).attach();
    observed
        .messaging
        .send("orders")
        .start()
        .inject(&mut headers);
    drop(attached);
    let tenant = || Context::map_current(|cx| cx.baggage().get("tenant").cloned());
    for by_choice in [false, true] {
        let mut process = observed.messaging.process("orders").from(&headers);
        if by_choice {
            process = process.parent_from_message();
        }
        let seen = process.start().run(tenant);
        assert_eq!(seen, Some("7".into()), "parented: {by_choice}");
    }
    assert_eq!(tenant(), None);
}

#[test]
fn a_message_of_a_random_trace_is_random_on_spans_links_and_messages() {
    const IDS: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
    let observed = Observed::new();
    let headers = [("traceparent", format!("00-{IDS}-03"))];
    let child = observed
        .messaging
        .process("orders")
        .from(&headers)
        .parent_from_message()
        .start();
    let mut sent = Headers::new();
    child.inject(&mut sent);
    assert!(sent["traceparent"].ends_with("-03"), "{sent:?}");
    let linked = observed.messaging.process("orders").from(&headers).start();
    drop((child, linked));
    let spans = observed.exporter.get_finished_spans().unwrap();
    let flags = |context: &SpanContext| context.trace_flags().to_u8();
    assert!(spans.iter().any(|span| flags(&span.span_context) == 3));
    let links = spans.iter().flat_map(|span| span.links.iter());
    let links: Vec<_> = links.map(|link| flags(&link.span_context)).collect();
    assert_eq!(links, [3, 3]);
}

#[test]
fn baggage_of_a_message_is_sent_on_as_it_came() {
    let observed = Observed::new();
    let baggage = "z=%FF;p=%2C ; q,a=%61,k=1";
    let headers = [("baggage", baggage)];
    for builder in [
        observed.messaging.process("orders").from(&headers),
        observed
            .messaging
            .process("orders")
            .from(&headers)
            .parent_from_message(),
    ] {
        let mut sent = Headers::new();
        builder.start().inject(&mut sent);
        assert_eq!(sent["baggage"], baggage);
    }
}

#[test]
fn what_runs_in_a_message_span_is_its_child() {
    let observed = Observed::new();
    let tracer = observed.provider.tracer("test");
    let process = observed.messaging.process("orders").start();
    let parent = process.context().span().span_context().span_id();
    process.run(|| tracer.in_span("inline", |_| ()));

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let task = process.in_context(async move { tracer.in_span("task", |_| ()) });
    runtime.block_on(runtime.spawn(task)).unwrap();
    drop(process);
    for name in ["inline", "task"] {
        assert_eq!(observed.last(name).parent_span_id, parent, "{name}");
    }
    assert!(!Context::current().span().span_context().is_valid());
}

#[test]
fn the_span_ends_when_the_handle_is_dropped_even_if_work_still_holds_its_context() {
    let observed = Observed::new();
    let process = observed.messaging.process("orders").start();
    let held = process.context().clone();
    assert!(held.span().is_recording());
    drop(process);
    assert!(!held.span().is_recording());
    observed.last("process orders");
}

#[test]
fn an_error_is_recorded_on_the_message_span() {
    let observed = Observed::new();
    observed.in_ambient(|_| {
        let process = observed.messaging.process("orders").start();
        process.record_error(&std::io::Error::other("poisoned"));
    });
    let process = observed.last("process orders");
    assert_eq!(process.status, Status::error("poisoned"));
    let kind = attribute(&process.attributes, "error.type");
    assert_eq!(kind, Some("std::io::Error".into()));
    assert_eq!(process.events.events[0].name, "exception");
    assert_eq!(observed.last("ambient").status, Status::Unset);
}

#[test]
fn b3_goes_through_the_queue_as_well() {
    for names in ["b3", "b3multi"] {
        let observed = Observed::with_propagator(names);
        let (headers, producer) = observed.message();
        assert!(!headers.contains_key("traceparent"), "{names}");
        let process = observed.messaging.process("orders").from(&headers);
        drop(process.parent_from_message().start());
        let process = observed.last("process orders");
        assert_eq!(process.parent_span_id, producer.span_id(), "{names}");
    }
}

#[test]
fn headers_fit_whatever_can_be_extended() {
    let observed = Observed::new();
    let send = observed.messaging.send("orders").start();
    let mut by_extend = Vec::<(String, String)>::new();
    by_extend.extend(send.headers());
    let mut injected = Vec::<(String, String)>::new();
    send.inject(&mut injected);
    assert_eq!(by_extend, injected);
    assert_eq!(by_extend[0].0, "traceparent");
}

#[test]
fn without_an_sdk_the_message_s_context_passes_through() {
    // No global provider is set in this process.
    let sender = Observed::new();
    let (headers, producer) = sender.message();
    let none = Messaging::new("kafka").propagator(CompositePropagator::default());
    for by_choice in [false, true] {
        let mut process = none.process("orders").from(&headers);
        if by_choice {
            process = process.parent_from_message();
        }
        let process = process.start();
        let mut next = Headers::new();
        process.inject(&mut next);
        assert_eq!(next["traceparent"], headers["traceparent"], "{by_choice}");
        let context = process.context().span().span_context().clone();
        assert_eq!(context.span_id(), producer.span_id(), "{by_choice}");
    }
}

#[test]
fn one_instrument_serves_many_threads() {
    let observed = Observed::new();
    let workers = [(); 4].map(|()| {
        let messaging = observed.messaging.clone();
        thread::spawn(move || drop(messaging.send("orders").start()))
    });
    for worker in workers {
        worker.join().unwrap();
    }
    let spans = observed.exporter.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 4);
}
