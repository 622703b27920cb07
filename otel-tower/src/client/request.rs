//! An `http::Request`, as the CLIENT span sees it.

use std::borrow::Cow;

use http::header::HOST;
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, Method, Request, Uri, Version};
use otel_core::client::OutgoingRequest;
use otel_core::http::HostPort;

/// A request, and where it goes.
pub(super) struct SentRequest<'a, B> {
    request: &'a Request<B>,
    scheme: &'a str,
    authority: &'a str,
    host: &'a str,
    port: Option<u16>,
}

impl<'a, B> SentRequest<'a, B> {
    /// The URI says where it goes, else the origin that the layer was told, else the `Host` header.
    ///
    /// A request that names no scheme is one for a connection that is there already, most often a plain one.
    pub(super) fn new(request: &'a Request<B>, origin: Option<&'a Uri>) -> Self {
        let uri = request.uri();
        let scheme = uri.scheme_str().or_else(|| origin?.scheme_str());
        let scheme = scheme.unwrap_or("http");
        let named = uri.authority().or_else(|| origin?.authority());
        let (authority, host, port) = match named {
            Some(named) => (named.as_str(), named.host(), named.port_u16()),
            None => of_header(request.headers()),
        };
        Self {
            request,
            scheme,
            authority,
            host: without_brackets(host),
            port: port
                .or_else(|| default_port(scheme))
                .filter(|_| !host.is_empty()),
        }
    }
}

/// Of the `Host` header, which no one has read before.
fn of_header(headers: &HeaderMap) -> (&str, &str, Option<u16>) {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let authority = host.unwrap_or_default();
    match HostPort::parse(authority) {
        Some(read) => (authority, read.host(), read.port()),
        None => (authority, "", None),
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
        // URI, `Host`, origin, host, port, URL
        let table = [
            ("http://a/x?y", "", "", "a", Some(80), "http://a/x?y"),
            ("https://a/", "b", "http://c", "a", Some(443), "https://a/"),
            ("http://a:8080/", "", "", "a", Some(8080), "http://a:8080/"),
            (
                "http://ada:pw@a/",
                "",
                "",
                "a",
                Some(80),
                "http://ada:pw@a/",
            ),
            ("a:443", "", "", "a", Some(443), "http://a:443/"),
            ("http://[::1]:1/", "", "", "::1", Some(1), "http://[::1]:1/"),
            ("/x?y", "b:81", "", "b", Some(81), "http://b:81/x?y"),
            ("/x", "b", "https://c", "c", Some(443), "https://c/x"),
            ("/x", "", "http://c:1", "c", Some(1), "http://c:1/x"),
            ("*", "b", "", "b", Some(80), "http://b/*"),
            ("/x", "", "", "", None, "http:///x"),
            ("/x", "no host", "", "", None, "http://no host/x"),
        ];
        for (uri, host, origin, expected_host, port, url) in table {
            let request = Request::get(uri).header(HOST, host).body(()).unwrap();
            let origin: Option<Uri> = (!origin.is_empty()).then(|| origin.parse().unwrap());
            let sent = SentRequest::new(&request, origin.as_ref());
            assert_eq!(sent.host(), expected_host, "{uri} {host}");
            assert_eq!(sent.port(), port, "{uri} {host}");
            assert_eq!(sent.url(), url, "{uri} {host}");
        }
    }
}
