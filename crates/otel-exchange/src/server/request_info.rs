//! The facts of a request that its span and its metrics need.

use std::borrow::Cow;
use std::net::SocketAddr;

use http::header::HOST;
use http::uri::Authority;
use opentelemetry::StringValue;
use otel_core::RequestHead;

use super::arrival::Arrival;
use super::options::ServerOptions;
use super::origin::Origin;
use crate::callback;
use crate::conventions::http::{HostPort, RequestMethod};
use crate::conventions::rpc::GrpcCall;
use crate::span_name::SpanName;

/// The facts of a request, found once.
#[derive(Debug)]
pub(super) struct RequestInfo<'a> {
    pub(super) head: RequestHead<'a>,
    pub(super) method: RequestMethod,
    pub(super) name: SpanName,
    /// The path as it is recorded.
    pub(super) path: Cow<'a, str>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) origin: Origin<'a>,
    pub(super) scheme: &'static str,
    /// The call, if it is a gRPC call.
    pub(super) grpc: Option<Box<GrpcCall>>,
}

impl<'a> RequestInfo<'a> {
    pub(super) fn new(options: &ServerOptions, arrival: Arrival<'a>) -> Self {
        let head = arrival.head;
        let (method, name, grpc) = name(options, &arrival);
        let route = name.target.as_ref().map(StringValue::as_str);
        let path = options.common.recorded_path(head.uri().path(), route);
        let peer = peer(options, &head);
        let origin =
            Origin::from_headers(head.headers(), peer.map(|peer| peer.ip()), &options.proxies);
        let scheme = match origin.scheme() {
            Some(scheme) => scheme,
            None => scheme(options, &head),
        };
        Self {
            head,
            method,
            name,
            path,
            peer,
            origin,
            scheme,
            grpc: grpc.map(Box::new),
        }
    }

    /// Returns `true` if the route is recorded in place of the path, and may still become known.
    pub(super) fn is_path_open(&self, options: &ServerOptions) -> bool {
        self.name.target.is_none() && options.common.paths.are_by_route()
    }

    /// Returns the name that the request has if it is not a gRPC call.
    pub(super) fn http_name(&self, options: &ServerOptions) -> SpanName {
        SpanName::from_request(&self.method, route(options, &self.head))
    }

    /// Returns host and port: from trusted proxies, else from `:authority`, else from `Host`.
    pub(super) fn server(&self, options: &ServerOptions) -> Option<(StringValue, Option<u16>)> {
        let received = match self.head.uri().authority() {
            Some(authority) => Some(Authority::as_str(authority)),
            None => self
                .head
                .headers()
                .get(HOST)
                .and_then(|it| it.to_str().ok()),
        };
        if !self.origin.has_server() {
            return options.common.recorded_host(received?);
        }
        let (host, port) = self.origin.server(received.and_then(HostPort::parse))?;
        Some((options.common.recorded_text(host), port))
    }
}

/// Returns the name of a request's span, without the other facts.
pub(super) fn span_name(options: &ServerOptions, arrival: &Arrival<'_>) -> SpanName {
    let (_, name, _) = name(options, arrival);
    name
}

fn name(
    options: &ServerOptions,
    arrival: &Arrival<'_>,
) -> (RequestMethod, SpanName, Option<GrpcCall>) {
    let Arrival { head, inner_path } = arrival;
    let method = options.common.methods.find(head.method());
    let methods = options.common.rpc_methods.as_ref();
    let call = methods.and_then(|methods| GrpcCall::from_incoming(methods, head, inner_path));
    let name = match &call {
        Some(call) => SpanName::from_call(call.method()),
        None => SpanName::from_request(&method, route(options, head)),
    };
    (method, name, call)
}

/// Returns the template that matched, such as `/users/{id}`, never the path.
fn route<'a>(options: &ServerOptions, head: &RequestHead<'a>) -> Option<&'a str> {
    let find = options.find_route.as_ref()?;
    callback::call("route", || find(head)).flatten()
}

fn peer(options: &ServerOptions, head: &RequestHead<'_>) -> Option<SocketAddr> {
    let find = options.find_peer.as_ref()?;
    callback::call("peer", || find(head)).flatten()
}

/// Only HTTP/2 and the absolute form of a URI have a scheme.
fn scheme(options: &ServerOptions, head: &RequestHead<'_>) -> &'static str {
    match head.uri().scheme_str() {
        Some("https") => "https",
        None if options.https => "https",
        _ => "http",
    }
}
