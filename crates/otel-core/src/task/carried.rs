use std::sync::Arc;

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, ContextGuard};
use tracing::dispatcher::{self, DefaultGuard, Dispatch};
use tracing::span;
use tracing::subscriber::NoSubscriber;

use crate::context_loss::ExpectedTrace;
use crate::request_cell::{CarriedRequest, EnteredRequest};
use crate::span_fields::carried_spans::{self, ActiveSpans, CarriedSpans};

/// Wraps a closure so that it runs in the caller's context, as [`Carried`] describes.
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

/// A captured context: what work needs so that its spans, its calls and its log lines belong to the request.
///
/// Capture it on one side of a channel or registration, and run work in it on the other side, any number of times. It has:
///
/// - the OpenTelemetry context: trace id, span id, baggage. Spans that the work opens are children of the span that was active.
/// - the fields of the current `tracing` spans, which `otel-log` writes on the lines of the work.
/// - the [`CurrentRequest`](crate::CurrentRequest), and the subscriber.
///
/// It does not keep the request's spans open: they end with the request, and the work may take longer. Other layers that print the
/// current spans, such as `fmt`, see no span in the work. [`keep_span_open`](Self::keep_span_open) carries the `tracing` span too.
///
/// If no OpenTelemetry span is active, the `tracing` span is always carried, because nothing else has the trace then. This is so in
/// an application without OpenTelemetry, and with tracing-opentelemetry's `with_context_activation(false)`.
///
/// # A span for the work
///
/// A span must be made inside the captured context. [`in_span`](Self::in_span) does that:
///
/// ```
/// # use otel_core::task::Carried;
/// # use tracing::{Instrument as _, info_span};
/// # async fn ship(order: u64) {}
/// async fn consume(carried: Carried, order: u64) {
///     carried.in_span(|| info_span!("ship", order), ship(order)).await;
/// }
/// # async fn broken(carried: Carried, order: u64) {
/// // Broken: the arguments are evaluated before the context is active, so the span is in another trace.
/// carried.in_context(ship(order).instrument(info_span!("ship", order))).await;
/// # }
/// ```
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
    request: CarriedRequest,
    spans: Option<Arc<CarriedSpans>>,
    /// Disabled, unless the span is kept open.
    span: tracing::Span,
    dispatch: Option<Dispatch>,
}

impl Carried {
    /// Captures the active context.
    pub fn current() -> Self {
        Self::with_context(Context::current())
    }

    /// Captures the same as [`current`](Self::current), with this OpenTelemetry context instead of the active one.
    pub fn with_context(context: Context) -> Self {
        let (spans, dispatch) = dispatcher::get_default(|dispatch| {
            // A captured `NoSubscriber` would hide a subscriber that is installed later.
            let is_set = !dispatch.is::<NoSubscriber>();
            let spans = carried_spans::capture(dispatch);
            (spans, is_set.then(|| dispatch.clone()))
        });
        let has_span = context.has_active_span();
        let carried = Self {
            context,
            request: CarriedRequest::current(),
            spans,
            span: tracing::Span::none(),
            dispatch,
        };
        if has_span {
            carried
        } else {
            carried.keep_span_open()
        }
    }

    /// Carries the current `tracing` span too, which stays open as long as this value and its clones exist.
    ///
    /// Call it where the context is captured: `Carried::current().keep_span_open()`. Use it for work that the request waits for, if
    /// other layers than those of `otel-log` print the current spans, or if the work calls `Span::current()`.
    pub fn keep_span_open(mut self) -> Self {
        self.span = tracing::Span::current();
        if !self.span.is_none() {
            // The lines of the work read the fields of the span itself.
            self.spans = None;
        }
        self
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
        self.enter_with(|| false)
    }

    /// Enters as [`enter`](Self::enter) does. [`ExpectedTrace::enter`] describes `is_instrumented`.
    pub(super) fn enter_with(&self, is_instrumented: impl FnOnce() -> bool) -> Entered<'_> {
        let dispatch = self.dispatch.as_ref().map(dispatcher::set_default);
        let spans = ActiveSpans::enter(self.spans.as_ref());
        let span = self.span.enter();
        let request = self.request.enter();
        // The context is attached last: entering the span may attach a context too, and the captured one must win.
        let context = self.context.clone().attach();
        Entered {
            _expected: ExpectedTrace::enter(&self.context, is_instrumented),
            _context: context,
            _request: request,
            _span: span,
            _spans: spans,
            _dispatch: dispatch,
        }
    }
}

/// A guard that keeps a [`Carried`] active on this thread until it is dropped.
#[derive(Debug)]
#[must_use = "the captured context is active only until this is dropped"]
pub struct Entered<'a> {
    // The fields are dropped in this order, the reverse of `Carried::enter`.
    _expected: ExpectedTrace,
    _context: ContextGuard,
    _request: EnteredRequest,
    _span: span::Entered<'a>,
    _spans: ActiveSpans,
    _dispatch: Option<DefaultGuard>,
}
