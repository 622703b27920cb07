use opentelemetry::{Context, ContextGuard};
use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::span;
use tracing::subscriber::NoSubscriber;

use super::InContext;

/// Makes a closure that runs where the caller is: in its OpenTelemetry context, its `tracing` span and under its
/// subscriber.
///
/// For `spawn_blocking`, `std::thread::spawn`, rayon and whatever else runs a closure once, on another thread or later.
/// What runs more than once, or takes arguments, holds a [`Carried`].
///
/// # Examples
///
/// ```
/// use otel_core::task::carry;
///
/// let worker = std::thread::spawn(carry(|| 6 * 7));
/// assert_eq!(worker.join().unwrap(), 42);
/// ```
pub fn carry<T, F>(work: F) -> impl FnOnce() -> T + use<T, F>
where
    F: FnOnce() -> T,
{
    let carried = Carried::current();
    move || carried.run(work)
}

/// Where some work belongs: an OpenTelemetry context, a `tracing` span and the subscriber of both.
///
/// It is taken on one side of a channel or a registration and used on the other, any number of times. While it is held
/// its `tracing` span stays open, as with `in_current_span`.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use otel_core::task::Carried;
///
/// let (jobs, queue) = mpsc::channel();
/// let worker = std::thread::spawn(move || {
///     for (carried, number) in queue {
///         let carried: Carried = carried;
///         carried.run(|| println!("in the trace of the sender: {number}"));
///     }
/// });
/// jobs.send((Carried::current(), 1)).unwrap();
/// # drop(jobs);
/// # worker.join().unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until something is run in it"]
pub struct Carried {
    context: Context,
    span: tracing::Span,
    dispatch: Option<Dispatch>,
}

impl Carried {
    /// Takes what is active here and now.
    pub fn current() -> Self {
        let dispatch = dispatcher::get_default(Clone::clone);
        Self {
            context: Context::current(),
            span: tracing::Span::current(),
            // Without a subscriber there is none to carry, and setting that one would hide a subscriber installed later.
            dispatch: (!dispatch.is::<NoSubscriber>()).then_some(dispatch),
        }
    }

    /// Captures what is active now, with this OpenTelemetry context instead of the active one.
    pub fn with_context(context: Context) -> Self {
        Self {
            context,
            ..Self::current()
        }
    }

    /// Runs the closure where this was taken, and drops what it owns there.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    /// Makes the rest of the scope run where this was taken, until the guard is dropped.
    ///
    /// The guard must not live across an `.await`, and cannot be sent to another thread: in asynchronous code use
    /// [`in_context`](Self::in_context).
    pub fn enter(&self) -> Entered<'_> {
        // The context comes last: entering the span may attach one, and the one that was active inside it counts.
        let dispatch = self.dispatch.as_ref().map(dispatcher::set_default);
        let span = self.span.enter();
        let context = self.context.clone().attach();
        Entered {
            _context: context,
            _span: span,
            _dispatch: dispatch,
        }
    }

    /// Makes a future that runs where this was taken.
    pub fn in_context<F>(self, future: F) -> InContext<F> {
        InContext::new(self, future)
    }
}

/// Keeps a [`Carried`] active on this thread until it is dropped.
#[derive(Debug)]
#[must_use = "what was carried is active only until this is dropped"]
pub struct Entered<'a> {
    // Fields drop in this order, which undoes `Carried::enter`.
    _context: ContextGuard,
    _span: span::Entered<'a>,
    _dispatch: Option<DefaultGuard>,
}
