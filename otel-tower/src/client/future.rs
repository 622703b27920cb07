//! The future: the response head comes in, or an error.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use http::{Extensions, Response};
use http_body::Body;
use otel_core::ResponseHead;
use otel_core::client::{ClientCall, End, EndAt};
use pin_project_lite::pin_project;

use crate::client::body::ClientBody;
use crate::client::{error_type, grpc_error, peer};
use crate::content_length::content_length;

pin_project! {
    /// The future of a [`ClientService`](crate::ClientService): polls the inner one inside the CLIENT span.
    #[derive(Debug)]
    pub struct ClientFuture<F> {
        #[pin]
        inner: F,
        // Dropped before its end, it is an end of its own.
        call: Option<ClientCall>,
        // Of the request, for hooks that see the response.
        extensions: Extensions,
    }
}

impl<F> ClientFuture<F> {
    pub(super) fn new(inner: F, call: Option<ClientCall>, extensions: Extensions) -> Self {
        Self {
            inner,
            call,
            extensions,
        }
    }
}

impl<F, B, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: 'static,
{
    type Output = Result<Response<ClientBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(match this.call {
            Some(call) => call.run(|| this.inner.poll(task)),
            None => this.inner.poll(task),
        });
        Poll::Ready(match (result, this.call.take()) {
            (Ok(response), Some(call)) => Ok(respond(response, call, this.extensions)),
            (Ok(response), None) => Ok(response.map(ClientBody::untraced)),
            (Err(error), call) => {
                if let Some(mut call) = call {
                    grpc_error::note(&mut call, &error);
                    call.finish(End::Failed(error_type::of_error(&error)));
                }
                Err(error)
            }
        })
    }
}

/// Notes the response head, and has the body carry the call to its end where that is its end.
fn respond<B: Body>(
    response: Response<B>,
    mut call: ClientCall,
    extensions: &Extensions,
) -> Response<ClientBody<B>> {
    let ends_with_body = call.is_grpc() || call.config().end_at == EndAt::Body;
    if let Some(sizes) = call.sizes() {
        let promised = || content_length(response.headers());
        let size = response.body().size_hint().exact().or_else(promised);
        sizes.expect(if ends_with_body { Some(0) } else { size });
    }
    call.respond(
        &ResponseHead::of(&response),
        peer::of(&response),
        extensions,
    );
    if ends_with_body {
        return response.map(|body| ClientBody::new(body, call));
    }
    call.finish(End::Complete);
    response.map(ClientBody::untraced)
}
