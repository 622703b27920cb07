//! What spans and metrics say of a request, found once.

use std::cell::OnceCell;
use std::net::SocketAddr;

use http::header::HOST;
use opentelemetry::StringValue;
use otel_core::RequestHead;
use otel_core::http::{HostPort, Origin, RequestMethod};
use otel_core::predicate::ask;
use otel_core::rpc::GrpcCall;

use crate::server::config::Config;
use crate::server::route;
use crate::server::shared_text::{shared, shared_host};
use crate::server::span_name::SpanName;

/// What the conventions want to know of a request.
#[derive(Debug)]
pub(crate) struct Observed<'a> {
    pub(crate) request: RequestHead<'a>,
    pub(crate) method: RequestMethod,
    pub(crate) name: SpanName,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) origin: Origin<'a>,
    pub(crate) scheme: &'static str,
    /// Where it is a call of gRPC.
    pub(crate) grpc: Option<Box<GrpcCall>>,
    server: OnceCell<Option<Server>>,
}

type Server = (StringValue, Option<u16>);

impl<'a> Observed<'a> {
    pub(crate) fn of(config: &Config, request: RequestHead<'a>) -> Self {
        let method = config.methods.find(request.method());
        let grpc = call(config, &request);
        let name = match &grpc {
            Some(call) => SpanName::of_call(call.method()),
            None => SpanName::of(&method, route::of(config, &request)),
        };
        let peer = peer(config, &request);
        let address = peer.map(|peer| peer.ip());
        let origin = Origin::of(request.headers(), address, &config.proxies);
        let scheme = origin.scheme().unwrap_or_else(|| scheme(config, &request));
        Self {
            request,
            method,
            name,
            peer,
            origin,
            scheme,
            grpc: grpc.map(Box::new),
            server: OnceCell::new(),
        }
    }

    /// Trusted proxies first, then `:authority`, then `Host`.
    pub(crate) fn server(&self) -> Option<&Server> {
        let find = || {
            let authority = self.request.uri().authority();
            let host = || self.request.headers().get(HOST)?.to_str().ok();
            let received = authority.map(http::uri::Authority::as_str).or_else(host);
            match self.origin.names_server() {
                false => shared_host(received?),
                true => {
                    let received = received.and_then(HostPort::parse);
                    let (host, port) = self.origin.server(received)?;
                    Some((shared(host), port))
                }
            }
        };
        self.server.get_or_init(find).as_ref()
    }
}

/// `None` where the layer was not told to look for calls, and for requests that are none.
pub(crate) fn call(config: &Config, request: &RequestHead<'_>) -> Option<GrpcCall> {
    let methods = config.grpc.as_ref()?;
    GrpcCall::of(methods, request.uri().path(), request.headers())
}

/// Only HTTP/2 and the absolute form name the scheme.
fn scheme(config: &Config, request: &RequestHead<'_>) -> &'static str {
    match request.uri().scheme_str() {
        Some("https") => "https",
        None if config.https => "https",
        _ => "http",
    }
}

/// The socket's other end, from the layer's own function or from the server.
fn peer(config: &Config, request: &RequestHead<'_>) -> Option<SocketAddr> {
    match &config.peer {
        Some(own) => ask("peer", || own(request)).flatten(),
        None => connected(request),
    }
}

/// What the server has left there: axum its `ConnectInfo`, tonic its `TcpConnectInfo`.
fn connected(request: &RequestHead<'_>) -> Option<SocketAddr> {
    let extensions = request.extensions();
    #[cfg(feature = "axum")]
    if let Some(info) = extensions.get::<axum::extract::ConnectInfo<SocketAddr>>() {
        return Some(info.0);
    }
    #[cfg(feature = "tonic")]
    if let Some(info) = extensions.get::<tonic::transport::server::TcpConnectInfo>() {
        return info.remote_addr();
    }
    // Without a server that says so, no peer is known.
    let _ = extensions;
    None
}
