use opentelemetry::{Context, ContextGuard};
use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::span;
use tracing::subscriber::NoSubscriber;

/// Wraps a closure so that it runs in the caller's OpenTelemetry context, `tracing` span and subscriber.
///
/// Use it for `spawn_blocking`, `std::thread::spawn`, rayon, and anything else that runs a closure once, on another thread or
/// later. For a callback that runs several times or takes arguments, use [`Carried`].
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

/// A captured OpenTelemetry context, `tracing` span and subscriber.
///
/// Capture it on one side of a channel or registration, and run work in it on the other side, any number of times. The `tracing`
/// span stays open as long as this value exists, as with `in_current_span`.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use otel_core::task::Carried;
///
/// let (jobs, queue) = mpsc::channel::<(Carried, u32)>();
/// let worker = std::thread::spawn(move || {
///     for (carried, number) in queue {
///         carried.run(|| println!("in the trace of the sender: {number}"));
///     }
/// });
/// jobs.send((Carried::current(), 1)).unwrap();
/// # drop(jobs);
/// # worker.join().unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "it has no effect until something runs in it"]
pub struct Carried {
    context: Context,
    span: tracing::Span,
    dispatch: Option<Dispatch>,
}

impl Carried {
    /// Captures the active context, span and subscriber.
    pub fn current() -> Self {
        Self::with_context(Context::current())
    }

    /// Captures the active span and subscriber, with this OpenTelemetry context instead of the active one.
    pub fn with_context(context: Context) -> Self {
        let dispatch = dispatcher::get_default(Clone::clone);
        Self {
            context,
            span: tracing::Span::current(),
            // A captured `NoSubscriber` would hide a subscriber that is installed later.
            dispatch: (!dispatch.is::<NoSubscriber>()).then_some(dispatch),
        }
    }

    /// Runs the closure in the captured context. The closure and the values it owns are dropped there too.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        let _entered = self.enter();
        work()
    }

    /// Makes the captured context active until the guard is dropped.
    ///
    /// The guard must not be held across an `.await` and cannot be sent to another thread. In asynchronous code use
    /// [`in_context`](Self::in_context).
    pub fn enter(&self) -> Entered<'_> {
        // The context is attached last: entering the span may attach a context too, and the captured one must win.
        let dispatch = self.dispatch.as_ref().map(dispatcher::set_default);
        let span = self.span.enter();
        let context = self.context.clone().attach();
        Entered {
            _context: context,
            _span: span,
            _dispatch: dispatch,
        }
    }
}

/// A guard that keeps a [`Carried`] active on this thread until it is dropped.
#[derive(Debug)]
#[must_use = "the captured context is active only until this is dropped"]
pub struct Entered<'a> {
    // The fields are dropped in this order, the reverse of `Carried::enter`.
    _context: ContextGuard,
    _span: span::Entered<'a>,
    _dispatch: Option<DefaultGuard>,
}
