use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::Span;

use super::carried::Carried;
use super::in_span::InSpan;

/// Wraps a future so that it runs in the caller's context, as [`Carried`] describes.
///
/// The context is captured when this function is called, so call it outside the task: `tokio::spawn(in_context(work))`, not
/// `tokio::spawn(async { in_context(work).await })`. For a span of the task use [`Carried::in_span`].
///
/// # Examples
///
/// ```
/// use otel_core::task::in_context;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let task = tokio::spawn(in_context(async { 6 * 7 }));
/// assert_eq!(task.await.unwrap(), 42);
/// # }
/// ```
pub fn in_context<F: Future>(future: F) -> InContext<F> {
    Carried::current().in_context(future)
}

impl Carried {
    /// Wraps a future so that it is polled and dropped in the captured context.
    ///
    /// A span for the work must be made inside the context: see [`in_span`](Self::in_span).
    pub fn in_context<F>(self, future: F) -> InContext<F> {
        InContext {
            carried: self,
            future: Some(future),
        }
    }

    /// Wraps a future so that it is polled and dropped in the captured context, inside a new span.
    ///
    /// `make` is called inside the captured context at the first poll, so the span is a child of the span that was captured, and its
    /// time does not include the wait in a queue. A closure needs no such method: `carried.run(|| info_span!("ship").in_scope(work))`.
    ///
    /// # Examples
    ///
    /// ```
    /// use otel_core::task::Carried;
    /// use tracing::info_span;
    ///
    /// async fn ship(order: u64) { /* … */ }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let task = Carried::current().in_span(|| info_span!("ship", order = 7), ship(7));
    /// tokio::spawn(task).await.unwrap();
    /// # }
    /// ```
    pub fn in_span<F, M>(self, make: M, future: F) -> InContext<impl Future<Output = F::Output>>
    where
        F: Future,
        M: FnOnce() -> Span,
    {
        self.in_context(InSpan::new(make, future))
    }
}

pin_project! {
    /// A future that is polled and dropped in the context captured by [`in_context`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        carried: Carried,
        // `None` only while this is dropped.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = this.carried.enter_with(is_instrumented::<F>);
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.carried.enter_with(is_instrumented::<F>);
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending,
        }
    }
}

/// Returns `true` if the future is that of `.instrument(span)`, whose span was made before the future was wrapped.
fn is_instrumented<F>() -> bool {
    type_name::<F>().starts_with("tracing::instrument::Instrumented<")
}
