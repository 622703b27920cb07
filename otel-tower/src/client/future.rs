//! The future: it returns the response head, or an error.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context as Task, Poll, ready};

use http::Response;
use http_body::Body;
use otel_exchange::client::Exchange;
use otel_exchange::{End, ResponseHead};
use pin_project_lite::pin_project;

use super::body::ClientBody;
use super::error_type;
use crate::grpc_status;
use crate::known_error::as_error;

pin_project! {
    /// The future of a [`ClientService`](crate::ClientService). It polls the inner future inside the CLIENT span.
    #[derive(Debug)]
    pub struct ClientFuture<F> {
        #[pin]
        inner: F,
        // If it is dropped before its end, the attempt ends as cancelled.
        exchange: Option<Exchange>,
    }
}

impl<F> ClientFuture<F> {
    pub(super) fn new(inner: F, exchange: Option<Exchange>) -> Self {
        Self { inner, exchange }
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
        let result = ready!(match this.exchange {
            Some(exchange) => exchange.run(|| this.inner.poll(task)),
            None => this.inner.poll(task),
        });
        Poll::Ready(match (result, this.exchange.take()) {
            (Ok(response), Some(exchange)) => Ok(respond(response, exchange)),
            (Ok(response), None) => Ok(response.map(ClientBody::untraced)),
            (Err(error), exchange) => {
                if let Some(mut exchange) = exchange {
                    grpc_status::record(&mut exchange, &error);
                    let name = exchange.error_name(&error, as_error(&error));
                    let error_type = name.unwrap_or_else(|| error_type::from_error(&error));
                    exchange.finish(End::Failed(error_type));
                }
                Err(error)
            }
        })
    }
}

/// Records the response head. The body then carries the exchange to its end, or the attempt ends here.
fn respond<B: Body>(response: Response<B>, mut exchange: Exchange) -> Response<ClientBody<B>> {
    if let Some(sizes) = exchange.sizes() {
        sizes.announce_response(response.body().size_hint().exact());
    }
    let head = ResponseHead::from_response(&response);
    exchange.respond(&head, peer(&response));
    if exchange.ends_with_body() {
        if let Some(sizes) = exchange.sizes() {
            sizes.set_response(Some(0));
        }
        return response.map(|body| ClientBody::new(body, exchange));
    }
    exchange.finish(End::Complete);
    response.map(ClientBody::untraced)
}

/// Returns the address of the socket's other end, which hyper-util's client puts into the response's extensions.
fn peer<B>(response: &Response<B>) -> Option<SocketAddr> {
    #[cfg(feature = "hyper-util")]
    if let Some(info) = response.extensions().get() {
        return Some(hyper_util::client::legacy::connect::HttpInfo::remote_addr(
            info,
        ));
    }
    // Other clients do not provide it.
    let _ = response;
    None
}
