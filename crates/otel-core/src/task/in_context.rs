use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Carried;

/// Makes a future that runs where the caller is: in its OpenTelemetry context, its `tracing` span and under its
/// subscriber.
///
/// They are taken when this is called, so call it outside the task: `tokio::spawn(in_context(work))`, not
/// `tokio::spawn(async { in_context(work).await })`. A span for the task goes inside: `in_context(work.instrument(span))`.
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

pin_project! {
    /// A future that runs where [`in_context`] was called: each poll, and the drop of the inner future.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InContext<F> {
        carried: Carried,
        // Taken out only by the drop.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for InContext<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = this.carried.enter();
            this.future.set(None);
        }
    }
}

impl<F> InContext<F> {
    pub(super) const fn new(carried: Carried, future: F) -> Self {
        Self {
            carried,
            future: Some(future),
        }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.carried.enter();
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending,
        }
    }
}
