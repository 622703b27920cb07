//! An `http::Request`, as the CLIENT span sees it.

use std::borrow::Cow;

use http::uri::{Authority, PathAndQuery};
use http::{Extensions, HeaderMap, Method, Request, Uri, Version};
use otel_core::client::OutgoingRequest;

/// A request, and where it goes.
pub(super) struct SentRequest<'a, B> {
    request: &'a Request<B>,
    scheme: &'a str,
    authority: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl<'a, B> SentRequest<'a, B> {
    /// The origin that the layer was told says where it goes, else the URI. The `Host` header does not: a proxy sends on what
    /// a stranger has written there.
    pub(super) fn new(request: &'a Request<B>, origin: Option<&'a Uri>) -> Self {
        let named = origin.unwrap_or(request.uri());
        let scheme = named.scheme_str().unwrap_or("http");
        let authority = named.authority();
        let host = authority.map_or("", |authority| without_brackets(authority.host()));
        let port = authority.and_then(Authority::port_u16);
        Self {
            request,
            scheme,
            authority: authority.map_or("", Authority::as_str),
            host,
            port: port
                .or_else(|| default_port(scheme))
                .filter(|_| !host.is_empty()),
        }
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

impl<B> OutgoingRequest for SentRequest<'_, B> {
    fn method(&self) -> &Method {
        self.request.method()
    }

    fn url(&self) -> Cow<'_, str> {
        let path = self.request.uri().path_and_query();
        let path = path.map_or("/", PathAndQuery::as_str);
        if self.authority.is_empty() {
            return path.into();
        }
        let path = if path == "*" { "/*" } else { path };
        [self.scheme, "://", self.authority, path].concat().into()
    }

    fn host(&self) -> &str {
        self.host
    }

    fn port(&self) -> Option<u16> {
        self.port
    }

    fn path(&self) -> &str {
        self.request.uri().path()
    }

    fn uri(&self) -> Cow<'_, Uri> {
        Cow::Borrowed(self.request.uri())
    }

    fn version(&self) -> Version {
        self.request.version()
    }

    fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    fn extensions(&self) -> &Extensions {
        self.request.extensions()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_request_goes() {
        // URI, origin, host, port, URL
        let table = [
            ("http://a/x?y", "", "a", Some(80), "http://a/x?y"),
            ("https://a/", "http://c", "c", Some(80), "http://c/"),
            ("http://a:8080/", "", "a", Some(8080), "http://a:8080/"),
            ("http://ada:pw@a/", "", "a", Some(80), "http://ada:pw@a/"),
            ("a:443", "", "a", Some(443), "http://a:443/"),
            ("http://[::1]:1/", "", "::1", Some(1), "http://[::1]:1/"),
            ("/x", "https://c", "c", Some(443), "https://c/x"),
            ("/x", "http://c:1", "c", Some(1), "http://c:1/x"),
            ("*", "http://c", "c", Some(80), "http://c/*"),
            ("/x?y", "", "", None, "/x?y"),
        ];
        for (uri, origin, host, port, url) in table {
            let request = Request::get(uri)
                .header("host", "stranger")
                .body(())
                .unwrap();
            let origin: Option<Uri> = (!origin.is_empty()).then(|| origin.parse().unwrap());
            let sent = SentRequest::new(&request, origin.as_ref());
            assert_eq!(sent.host(), host, "{uri} {origin:?}");
            assert_eq!(sent.port(), port, "{uri} {origin:?}");
            assert_eq!(sent.url(), url, "{uri} {origin:?}");
        }
    }
}
