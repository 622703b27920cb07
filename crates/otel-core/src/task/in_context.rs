use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::carried::Carried;

/// Wraps a future so that it runs in the caller's OpenTelemetry context, `tracing` span and subscriber.
///
/// The context is captured when this function is called, so call it outside the task: `tokio::spawn(in_context(work))`, not
/// `tokio::spawn(async { in_context(work).await })`. Put a span for the task inside: `in_context(work.instrument(span))`.
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
    /// Wraps a future so that it runs in the captured context.
    pub fn in_context<F>(self, future: F) -> InContext<F> {
        InContext {
            carried: self,
            future: Some(future),
        }
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
            let _entered = this.carried.enter();
            this.future.set(None);
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
