//! Carries the trace from task to task and from thread to thread.
//!
//! The active OpenTelemetry context and the current `tracing` span belong to a thread, or to one poll of a future.
//! Whatever starts elsewhere starts with neither: its spans become roots of traces of their own, and its log lines are of
//! no request. What is here takes both along, with the subscriber they belong to, and leaves nothing behind on a pool's
//! thread. It needs no runtime, and works with `tracing` alone, with OpenTelemetry alone and with both.
//!
//! | work goes through | write |
//! | --- | --- |
//! | `tokio::spawn`, `JoinSet::spawn`, `spawn_local` | `spawn(in_context(future))`, see [`in_context`] |
//! | `spawn_blocking`, `std::thread::spawn`, rayon, any pool | `spawn(carry(closure))`, see [`carry`] |
//! | a channel | send `(Carried::current(), job)`, then `carried.run(\|\| ..)`, see [`Carried`] |
//! | a callback that is called often, or with arguments | keep `Carried::current()` in it, then `carried.run(\|\| ..)` |
//! | `.await`, `join!`, `select!`, `FuturesUnordered` | nothing: these stay in the task |
//!
//! Work that outlives its request, such as an endless loop, should not carry it: the request's `tracing` span would stay
//! open as long. Give it a span of its own with a link.

mod carried;
mod in_context;

pub use self::{
    carried::{Carried, Entered, carry},
    in_context::{InContext, in_context},
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/tasks-and-threads.md")]
mod guide {}
