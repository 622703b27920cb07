//! The layer: the options of a client.

use std::sync::Arc;

use http::Uri;
use otel_exchange::CommonOptions;
use otel_exchange::client::ClientOptions;
#[cfg(feature = "tonic")]
use otel_exchange::conventions::rpc::DescriptorSetError;
use otel_exchange::conventions::rpc::RpcMethods;
use tower_layer::Layer;

#[cfg(feature = "hyper-util")]
use super::channel_peer::ChannelPeer;
use super::service::{ClientService, default_options};

/// Opens a CLIENT span for every request that passes and injects its context.
///
/// Put it closest to the service that sends an `http::Request`, so that it sees each attempt:
///
/// ```
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use otel_tower::ClientLayer;
/// use tower::Layer as _;
///
/// let client: Client<_, String> = Client::builder(TokioExecutor::new()).build_http();
/// let client = ClientLayer::new().layer(client);
/// # let _ = client;
/// ```
///
/// The parent of the span is the active OpenTelemetry context, or the current `tracing` span if no span is active there. The span
/// is opened through the OpenTelemetry API only, so no level filter hides it. User info and secret query values in `url.full` are
/// replaced with `REDACTED`. The [crate docs](crate#errors-of-a-client) list the values of `error.type`.
///
/// A layer that queues requests, such as tower's `Buffer`, calls the client in another task, where the caller's context is not
/// active. Outside the queue, put a [`CallParent`](crate::CallParent) into the request's extensions.
///
/// All services of a layer share its options. If a function that is given to the layer panics, the panic is caught and the request
/// continues as if the function were not set.
#[derive(Debug, Clone)]
#[must_use]
pub struct ClientLayer {
    options: Arc<ClientOptions>,
    origin: Option<Arc<Uri>>,
}

impl Default for ClientLayer {
    fn default() -> Self {
        Self {
            options: Arc::new(default_options()),
            origin: None,
        }
    }
}

impl ClientLayer {
    /// Makes a layer that uses the global tracer provider, meter provider and propagator.
    ///
    /// They are looked up when requests are sent, so they can be set after the layer was made.
    pub fn new() -> Self {
        Self::default()
    }

    otel_exchange::common_options!("otel_tower", "otel_tower::ClientLayer::new()");

    otel_exchange::client_options!("otel_tower", "otel_tower::ClientLayer::new()");

    /// Makes CLIENT spans of gRPC calls, which are POST requests over HTTP/2 with gRPC's `content-type`. Other requests do not
    /// change.
    ///
    /// Name and attributes follow the [RPC conventions](https://opentelemetry.io/docs/specs/semconv/rpc/) of version 1.45.0. The span
    /// covers the complete call, up to the status in the trailers. Every code except `OK` is an error. A call that the caller drops
    /// is `CANCELLED`, or `DEADLINE_EXCEEDED` if the time of `grpc-timeout` has passed.
    ///
    /// The response decides as well if the method is not known or if the version of the request is HTTP/1.1, which is the version of
    /// a request that sets none: without gRPC's `content-type` or `grpc-status`, or over HTTP/1.1, the request is traced as HTTP.
    /// tonic sets the version.
    ///
    /// A tonic channel adds host and port behind the layer; [`origin`](Self::origin) sets them here. Without them a WARN line is
    /// written once:
    ///
    /// ```no_run
    /// use otel_tower::ClientLayer;
    /// use tonic::transport::Channel;
    /// use tower::Layer as _;
    ///
    /// # async fn example() -> Result<(), tonic::transport::Error> {
    /// let channel = Channel::from_static("http://pricing:50051").connect().await?;
    /// let origin = http::Uri::from_static("http://pricing:50051");
    /// let channel = ClientLayer::new().grpc().origin(origin).layer(channel);
    /// // let client = PricingClient::new(channel);
    /// # let _ = channel;
    /// # Ok(())
    /// # }
    /// ```
    pub fn grpc(self) -> Self {
        self.common(|common| common.set_rpc_methods(RpcMethods::any()))
    }

    /// Makes CLIENT spans of gRPC calls as [`grpc`](Self::grpc) does, and sets the known methods, each as
    /// `package.Service/Method`. Any other method is `_OTHER`.
    ///
    /// For a proxy that forwards what untrusted clients request: without this, the first 1,024 methods are known. A second call
    /// replaces the list.
    pub fn grpc_methods<M: AsRef<str>>(self, methods: impl IntoIterator<Item = M>) -> Self {
        self.common(|common| common.set_rpc_methods(RpcMethods::only(methods)))
    }

    /// Makes CLIENT spans of gRPC calls as [`grpc`](Self::grpc) does, and adds the methods of an encoded `FileDescriptorSet` to the
    /// known methods. Any other method is `_OTHER`.
    ///
    /// A further call adds a set, also to the list of [`grpc_methods`](Self::grpc_methods).
    ///
    /// # Errors
    ///
    /// Fails if the bytes are not a descriptor set, or if they describe no method.
    #[cfg(feature = "tonic")]
    pub fn grpc_descriptor_set(self, encoded: &[u8]) -> Result<Self, DescriptorSetError> {
        let methods = RpcMethods::from_descriptor_set(encoded)?;
        Ok(self.common(|common| common.add_rpc_methods(methods)))
    }

    /// Sets where requests go, whatever their URI says: `http://pricing:50051`. By default their URI is used.
    ///
    /// For a service with a destination of its own, such as a tonic channel or a single connection. If neither says where a request
    /// goes, `server.address` is not recorded, a WARN line says so once, and a list of hosts never matches. The `Host` header does
    /// not count. A second call replaces the origin.
    pub fn origin(mut self, origin: Uri) -> Self {
        self.origin = Some(Arc::new(origin));
        self
    }

    /// Sets the source of `network.peer.address` and `network.peer.port` for a channel that does not show its connection, such as
    /// tonic's. By default they are recorded only for hyper-util's client.
    ///
    /// [`ChannelPeer`] has an example. Do not use the layer for a second channel. A second call replaces the source.
    #[cfg(feature = "hyper-util")]
    pub fn channel_peer(self, peer: ChannelPeer) -> Self {
        self.client(|options| options.set_peer(move || peer.address()))
    }

    fn common(self, change: impl FnOnce(&mut CommonOptions)) -> Self {
        self.client(|options| change(options.common_mut()))
    }

    fn client(mut self, change: impl FnOnce(&mut ClientOptions)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientService::from_options(inner, Arc::clone(&self.options), self.origin.clone())
    }
}
