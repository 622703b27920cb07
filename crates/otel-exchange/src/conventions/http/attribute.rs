//! The attribute keys of the HTTP conventions.

/// Address of the original client, without port.
pub const CLIENT_ADDRESS: &str = "client.address";
/// Port of the original client.
pub const CLIENT_PORT: &str = "client.port";
/// Class of error a request ended with; absent on success.
pub const ERROR_TYPE: &str = "error.type";
/// Bytes of the request's body on the wire.
pub const HTTP_REQUEST_BODY_SIZE: &str = "http.request.body.size";
/// Prefix of a captured request header.
pub const HTTP_REQUEST_HEADER: &str = "http.request.header.";
/// Method, or `_OTHER`.
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
/// Method as it was sent, if it differs from `http.request.method`.
pub const HTTP_REQUEST_METHOD_ORIGINAL: &str = "http.request.method_original";
/// How many times the request was sent before.
pub const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
/// Bytes of the response's body on the wire.
pub const HTTP_RESPONSE_BODY_SIZE: &str = "http.response.body.size";
/// Prefix of a captured response header.
pub const HTTP_RESPONSE_HEADER: &str = "http.response.header.";
/// Status code, a number.
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// Route template that matched.
pub const HTTP_ROUTE: &str = "http.route";
/// Address of the socket's other end.
pub const NETWORK_PEER_ADDRESS: &str = "network.peer.address";
/// Port of the socket's other end.
pub const NETWORK_PEER_PORT: &str = "network.peer.port";
/// HTTP version: `1.0`, `1.1`, `2`, `3`.
pub const NETWORK_PROTOCOL_VERSION: &str = "network.protocol.version";
/// `tcp`, `unix` or another transport.
pub const NETWORK_TRANSPORT: &str = "network.transport";
/// Host that the request was sent to.
pub const SERVER_ADDRESS: &str = "server.address";
/// Port that the request was sent to.
pub const SERVER_PORT: &str = "server.port";
/// Absolute URL, redacted.
pub const URL_FULL: &str = "url.full";
/// Path.
pub const URL_PATH: &str = "url.path";
/// Query without `?`, redacted.
pub const URL_QUERY: &str = "url.query";
/// `http` or `https`.
pub const URL_SCHEME: &str = "url.scheme";
/// Path template of a client's request.
pub const URL_TEMPLATE: &str = "url.template";
/// User-Agent as it was sent.
pub const USER_AGENT_ORIGINAL: &str = "user_agent.original";
