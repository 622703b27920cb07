//! The attributes of a SERVER span when it starts.

use std::cell::Cell;
use std::net::IpAddr;

use http::header::USER_AGENT;
use opentelemetry::trace::SpanRef;
use opentelemetry::{KeyValue, StringValue};

use super::options::ServerOptions;
use super::request_info::RequestInfo;
use crate::conventions::http::attribute::{
    CLIENT_ADDRESS, CLIENT_PORT, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_ROUTE,
    NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION, NETWORK_TRANSPORT,
    SERVER_ADDRESS, SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
};
use crate::conventions::http::protocol_version;
use crate::conventions::rpc::{GrpcCall, attribute as rpc};
use crate::span_name::SpanName;
use crate::text_cache;

/// The number of attributes that a span usually has at its end.
const USUAL_ATTRIBUTES: usize = 12;

/// Passes each attribute to `set`.
pub(super) fn at_start(
    options: &ServerOptions,
    info: &RequestInfo<'_>,
    mut set: impl FnMut(KeyValue),
) {
    of_connection(options, info, &mut set);
    match &info.grpc {
        None => of_request(options, info, &info.name, &mut set),
        // The other attributes follow when the response has decided.
        Some(call) if call.is_undecided() => {}
        Some(call) => of_call(options, info, call, &mut set),
    }
}

/// Sets the attributes on a span that started without them.
///
/// They are gathered first, so that the span is locked once. The memory for that is reused by the requests of a thread.
pub(super) fn set_at_start(options: &ServerOptions, info: &RequestInfo<'_>, span: &SpanRef<'_>) {
    let mut gathered = GATHERED.try_with(Cell::take).unwrap_or_default();
    at_start(options, info, |attribute| gathered.push(attribute));
    span.set_attributes(gathered.drain(..));
    // While the thread ends, the memory is freed instead.
    let _ = GATHERED.try_with(|kept| kept.set(gathered));
}

thread_local! {
    static GATHERED: Cell<Vec<KeyValue>> = const { Cell::new(Vec::new()) };
}

/// Returns the attributes as a list with room for those that are added at the end.
pub(super) fn list_at_start(options: &ServerOptions, info: &RequestInfo<'_>) -> Vec<KeyValue> {
    let mut list = Vec::with_capacity(USUAL_ATTRIBUTES);
    at_start(options, info, |attribute| list.push(attribute));
    list
}

/// Sets the attributes of a request of HTTP with this name, except those of its connection.
pub(super) fn of_request(
    options: &ServerOptions,
    info: &RequestInfo<'_>,
    name: &SpanName,
    set: &mut impl FnMut(KeyValue),
) {
    let (head, uri) = (&info.head, info.head.uri());
    set(KeyValue::new(HTTP_REQUEST_METHOD, info.method.value()));
    if info.method.is_other() {
        let original = options.common.recorded_text(head.method().as_str());
        set(KeyValue::new(HTTP_REQUEST_METHOD_ORIGINAL, original));
    }
    set(KeyValue::new(URL_SCHEME, info.scheme));
    if !info.is_path_open(options) {
        set(KeyValue::new(URL_PATH, info.path.clone().into_owned()));
    }
    if let Some(query) = uri.query().filter(|query| !query.is_empty()) {
        let query = options.common.recorded_query(query);
        set(KeyValue::new(URL_QUERY, query));
    }
    if let Some(route) = &name.target {
        set(KeyValue::new(HTTP_ROUTE, route.clone()));
    }
    if let Some(version) = protocol_version(head.version()) {
        set(KeyValue::new(NETWORK_PROTOCOL_VERSION, version));
    }
    let agent = head.headers().get(USER_AGENT);
    if let Some(agent) = agent.and_then(|agent| agent.to_str().ok()) {
        let agent = options.common.recorded_text(agent);
        set(KeyValue::new(USER_AGENT_ORIGINAL, agent));
    }
    if let Some(client) = info.origin.client() {
        set(KeyValue::new(CLIENT_ADDRESS, address(client)));
        // If a proxy is the peer, the port is not the client's.
        if let Some(peer) = info.peer.filter(|_| options.client_port) {
            if peer.ip().to_canonical() == client {
                set(KeyValue::new(CLIENT_PORT, i64::from(peer.port())));
            }
        }
    }
    if let Some(transport) = &options.network_transport {
        let transport = StringValue::from(transport.clone());
        set(KeyValue::new(NETWORK_TRANSPORT, transport));
    }
    let captured = options.common.request_headers.request(head.headers());
    captured.for_each(set);
}

/// Sets the attributes of a gRPC call, except those of its connection.
pub(super) fn of_call(
    options: &ServerOptions,
    info: &RequestInfo<'_>,
    call: &GrpcCall,
    set: &mut impl FnMut(KeyValue),
) {
    set(rpc::system());
    call.method()
        .attributes()
        .into_iter()
        .flatten()
        .map(|attribute| options.common.recorded_method(attribute))
        .for_each(&mut *set);
    if let Some(client) = info.origin.client().filter(|_| options.grpc_client_address) {
        set(KeyValue::new(CLIENT_ADDRESS, address(client)));
    }
    let headers = info.head.headers();
    let captured = options.common.request_headers.rpc_request(headers);
    captured.for_each(set);
}

/// Sets the attributes that requests of HTTP and gRPC calls have in common.
fn of_connection(options: &ServerOptions, info: &RequestInfo<'_>, set: &mut impl FnMut(KeyValue)) {
    if let Some((host, port)) = info.server(options) {
        set(KeyValue::new(SERVER_ADDRESS, host));
        if let Some(port) = port {
            set(KeyValue::new(SERVER_PORT, i64::from(port)));
        }
    }
    if let Some(peer) = info.peer {
        set(KeyValue::new(NETWORK_PEER_ADDRESS, address(peer.ip())));
        set(KeyValue::new(NETWORK_PEER_PORT, i64::from(peer.port())));
    }
}

/// An IPv4 address is written as such, even on an IPv6 socket.
fn address(address: IpAddr) -> StringValue {
    text_cache::address(address.to_canonical())
}
