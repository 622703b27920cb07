//! The address of the other end of a channel's connection.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context as Task, Poll, ready};

use http::{Extensions, Uri};
use hyper_util::client::legacy::connect::{Connection, HttpInfo};
use pin_project_lite::pin_project;
use tower_service::Service;

/// The address of the other end of a channel's connection, for `network.peer.address` and `network.peer.port`.
///
/// A tonic channel does not show its connection, but its connector sees it. Wrap the connector with [`connector`](Self::connector)
/// and give the same value to [`ClientLayer::channel_peer`](crate::ClientLayer::channel_peer). Clones share the address.
///
/// The address is that of the latest connection. A channel has one connection at a time. Use one value per channel.
///
/// ```
/// use hyper_util::client::legacy::connect::HttpConnector;
/// use otel_tower::{ChannelPeer, ClientLayer};
/// # #[cfg(feature = "tonic")] {
/// use tonic::transport::Endpoint;
/// use tower::Layer as _;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let endpoint = Endpoint::from_static("http://pricing:50051");
/// let mut http = HttpConnector::new();
/// http.enforce_http(false); // for https
/// http.set_nodelay(true);
///
/// let peer = ChannelPeer::default();
/// let channel = endpoint.connect_with_connector_lazy(peer.connector(http));
/// let layer = ClientLayer::new().grpc().origin(endpoint.uri().clone());
/// let channel = layer.channel_peer(peer).layer(channel);
/// # let _ = channel;
/// # }
/// # main() }
/// ```
#[derive(Debug, Clone, Default)]
pub struct ChannelPeer(Arc<RwLock<Option<SocketAddr>>>);

impl ChannelPeer {
    /// Wraps the connector of a channel. Each connection replaces the address.
    ///
    /// hyper-util's `HttpConnector` provides the address, and each connector whose connection has an [`HttpInfo`]. Another
    /// connection removes the address.
    pub fn connector<C>(&self, inner: C) -> PeerConnector<C> {
        PeerConnector {
            inner,
            peer: self.clone(),
        }
    }

    /// Returns the address of the latest connection.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn connected(&self, connection: &impl Connection) {
        let mut extensions = Extensions::new();
        connection.connected().get_extras(&mut extensions);
        let info: Option<&HttpInfo> = extensions.get();
        let address = info.map(HttpInfo::remote_addr);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = address;
    }
}

/// Connects with an inner connector and notes the address of the other end. [`ChannelPeer::connector`] makes it.
#[derive(Debug, Clone)]
pub struct PeerConnector<C> {
    inner: C,
    peer: ChannelPeer,
}

impl<C> Service<Uri> for PeerConnector<C>
where
    C: Service<Uri>,
    C::Response: Connection,
{
    type Response = C::Response;
    type Error = C::Error;
    type Future = PeerFuture<C::Future>;

    fn poll_ready(&mut self, task: &mut Task<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(task)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        PeerFuture {
            inner: self.inner.call(uri),
            peer: self.peer.clone(),
        }
    }
}

pin_project! {
    /// The future of a [`PeerConnector`].
    #[derive(Debug)]
    pub struct PeerFuture<F> {
        #[pin]
        inner: F,
        peer: ChannelPeer,
    }
}

impl<F, C, E> Future for PeerFuture<F>
where
    F: Future<Output = Result<C, E>>,
    C: Connection,
{
    type Output = Result<C, E>;

    fn poll(self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let connected = ready!(this.inner.poll(task));
        if let Ok(connection) = &connected {
            this.peer.connected(connection);
        }
        Poll::Ready(connected)
    }
}
