//! Propagates the trace between tasks and threads.
//!
//! The active OpenTelemetry context and the current `tracing` span belong to a thread, or to one poll of a future. Work that
//! starts on another thread or in another task has neither: its spans become roots of new traces, and its log lines have no trace
//! id. The functions here capture what the work needs, as [`Carried`] describes, and make it active where the work runs. They keep no
//! span of the request open. Afterwards nothing stays active on a pool's thread. No runtime is needed. It works with `tracing` only,
//! with OpenTelemetry only, and with both.
//!
//! | work is handed over by | write |
//! | --- | --- |
//! | `tokio::spawn`, `JoinSet::spawn`, `spawn_local` | `spawn(in_context(future))`, see [`in_context`] |
//! | `spawn_blocking`, `std::thread::spawn`, rayon, any pool | `spawn(carry(closure))`, see [`carry`] |
//! | a channel | send `(Carried::current(), job)`, then `carried.run(\|\| ..)`, see [`Carried`] |
//! | the same, with a span for the work | `carried.in_span(\|\| info_span!("ship"), future)`, see [`Carried::in_span`] |
//! | a callback that is called several times, or with arguments | keep `Carried::current()` in it, then `carried.run(\|\| ..)` |
//! | `.await`, `join!`, `select!`, `FuturesUnordered` | nothing: these stay in the task |
//!
//! Do not use it for an endless loop, whose spans would be added to the request's trace forever. Give such work its own span with a
//! link.

mod carried;
mod in_context;
mod in_span;

pub use self::{
    carried::{Carried, Entered, carry},
    in_context::{InContext, in_context},
};

#[cfg(doctest)]
#[doc = include_str!("../../../../docs/tasks-and-threads.md")]
mod guide {}
