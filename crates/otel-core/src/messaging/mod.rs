//! Carries the trace through a queue: message headers as carriers, and PRODUCER and CONSUMER spans.
//!
//! ```
//! use std::collections::HashMap;
//! use otel_core::messaging::Messaging;
//!
//! # fn deliver(_: &HashMap<String, String>) {}
//! let kafka = Messaging::new("kafka"); // made once
//!
//! // the producer
//! let mut headers = HashMap::new();
//! let send = kafka.send("orders").message_id("4711").start();
//! send.inject(&mut headers);
//! send.run(|| deliver(&headers));
//! drop(send);
//!
//! // the consumer: a trace of its own, linked to the producer's
//! let process = kafka.process("orders").consumer_group("billing").from(&headers).start();
//! process.run(|| { /* spans made here are its children */ });
//! ```
//!
//! Names, kinds and attributes follow the messaging conventions of OpenTelemetry, which are in development: an attribute may
//! change in a minor version of this crate.
//!
//! | operation | kind | span |
//! | --- | --- | --- |
//! | [`create`](Messaging::create) | PRODUCER | one message of a batch, made before the batch is sent |
//! | [`send`](Messaging::send) | PRODUCER; CLIENT if the messages bring contexts of their own | hands messages to the broker |
//! | [`receive`](Messaging::receive) | CLIENT | asks the broker for messages |
//! | [`process`](Messaging::process) | CONSUMER | handles what was delivered |
//! | [`settle`](Messaging::settle) | CLIENT | acknowledges or rejects |
//!
//! [`extract`] and [`inject`] work on message headers without a span.

mod attribute;
mod builder;
mod headers;
mod instrument;
mod operation;
mod span;

pub use self::{
    builder::MessageSpanBuilder,
    headers::{HeaderPair, HeadersMut, extract, inject},
    instrument::Messaging,
    span::MessageSpan,
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/queues.md")]
mod guide {}
