use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::Span;

pin_project! {
    /// A future that is polled and dropped inside a span, which is made at the first poll.
    #[derive(Debug)]
    pub(super) struct InSpan<F, M> {
        // `None` after the first poll.
        make: Option<M>,
        span: Span,
        // `None` only while this is dropped.
        #[pin]
        future: Option<F>,
    }

    impl<F, M> PinnedDrop for InSpan<F, M> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _entered = this.span.enter();
            this.future.set(None);
        }
    }
}

impl<F, M> InSpan<F, M> {
    pub(super) fn new(make: M, future: F) -> Self {
        Self {
            make: Some(make),
            span: Span::none(),
            future: Some(future),
        }
    }
}

impl<F: Future, M: FnOnce() -> Span> Future for InSpan<F, M> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(make) = this.make.take() {
            *this.span = make();
        }
        let _entered = this.span.enter();
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending,
        }
    }
}
