//! An `http::Request`, as the CLIENT span sees it.

use std::borrow::Cow;

use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{Extensions, HeaderMap, Method, Request, Uri, Version};
use otel_core::client::OutgoingRequest;
use otel_core::http::HostPort;

/// A request, and where it goes if it does not say so itself.
pub(super) struct SentRequest<'a, B> {
    pub(super) request: &'a Request<B>,
    pub(super) origin: Option<&'a Uri>,
}

impl<B> SentRequest<'_, B> {
    /// Of the URI, else of the origin that the layer was told, else of the `Host` header.
    fn authority(&self) -> Option<&str> {
        let uri = self.request.uri().authority();
        let own = uri.or_else(|| self.origin?.authority());
        let host = || self.request.headers().get(HOST)?.to_str().ok();
        own.map(Authority::as_str).or_else(host)
    }

    fn host_port(&self) -> Option<HostPort<'_>> {
        self.authority().and_then(HostPort::parse)
    }

    /// A request that names no scheme is one for a connection that is there already, most often a plain one.
    fn scheme(&self) -> &str {
        let uri = self.request.uri().scheme();
        let own = uri.or_else(|| self.origin?.scheme());
        own.map_or("http", Scheme::as_str)
    }
}

impl<B> OutgoingRequest for SentRequest<'_, B> {
    fn method(&self) -> &Method {
        self.request.method()
    }

    fn url(&self) -> Cow<'_, str> {
        let uri = self.request.uri();
        if uri.scheme().is_some() {
            return uri.to_string().into();
        }
        let authority = self.authority().unwrap_or_default();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path == "*" { "/*" } else { path };
        [self.scheme(), "://", authority, path].concat().into()
    }

    fn host(&self) -> &str {
        self.host_port().map_or("", |host| host.host())
    }

    fn port(&self) -> Option<u16> {
        let port = self.host_port()?.port();
        port.or_else(|| match self.scheme() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        })
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
            let sent = SentRequest {
                request: &request,
                origin: origin.as_ref(),
            };
            assert_eq!(sent.host(), expected_host, "{uri} {host}");
            assert_eq!(sent.port(), port, "{uri} {host}");
            assert_eq!(sent.url(), url, "{uri} {host}");
        }
    }
}
