//! Carries the trace through a message queue: PRODUCER and CONSUMER spans, and message headers as carriers.
//!
//! The crate works with any broker: it reads and writes the headers of a message and does not send the message itself.
//!
//! # Examples
//!
//! ```
//! use std::collections::HashMap;
//! use otel_messaging::Messaging;
//!
//! # fn deliver(_: &HashMap<String, String>) {}
//! let kafka = Messaging::new("kafka"); // create it once and keep it
//!
//! // the producer
//! let mut headers = HashMap::new();
//! let send = kafka.send("orders").message_id("4711").start();
//! send.inject(&mut headers);
//! send.run(|| deliver(&headers));
//! drop(send);
//!
//! // the consumer: a new trace, linked to the producer's span
//! let process = kafka.process("orders").consumer_group("billing").from(&headers).start();
//! process.run(|| { /* spans started here are children of the consumer's span */ });
//! ```
//!
//! Span names, kinds and attributes follow OpenTelemetry's messaging conventions. The conventions are in development, so an
//! attribute may change in a minor version of this crate.
//!
//! | operation | span kind | what the span covers |
//! | --- | --- | --- |
//! | [`create`](Messaging::create) | PRODUCER | creates one message of a batch, before the batch is sent |
//! | [`send`](Messaging::send) | PRODUCER; CLIENT if the messages already have contexts | hands messages to the broker |
//! | [`receive`](Messaging::receive) | CLIENT | asks the broker for messages |
//! | [`process`](Messaging::process) | CONSUMER | handles delivered messages |
//! | [`settle`](Messaging::settle) | CLIENT | acknowledges or rejects messages |
//!
//! [`extract`] and [`inject`] read and write message headers without a span.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod attribute;
mod builder;
mod headers;
mod instrument;
mod operation;
mod span;
mod tools;

pub use self::{
    builder::MessageSpanBuilder,
    headers::{HeaderPair, HeadersMut, extract, inject},
    instrument::Messaging,
    span::MessageSpan,
};
pub use otel_core::opentelemetry;
pub use otel_core::task::InContext;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/queues.md")]
mod guide {}
