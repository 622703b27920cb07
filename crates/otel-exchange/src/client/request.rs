//! A request that is about to be sent, of any client.

use std::borrow::Cow;

use http::uri::{Authority, PathAndQuery};
use http::{Extensions, HeaderMap, Method, Request, Uri, Version};
use otel_core::RequestHead;

use super::url_template::UrlTemplate;

/// A request that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingRequest<'a> {
    destination: Destination<'a>,
    method: &'a Method,
    version: Version,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
    has_template: bool,
}

impl<'a> OutgoingRequest<'a> {
    /// Makes a request from its parts. The extensions are those that the application has set for this request.
    #[must_use]
    #[inline]
    pub fn new(
        destination: Destination<'a>,
        method: &'a Method,
        version: Version,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        Self {
            destination,
            method,
            version,
            headers,
            extensions,
            has_template: true,
        }
    }

    /// Borrows an [`http::Request`]. The origin says where it goes if its URI does not.
    #[must_use]
    #[inline]
    pub fn from_request<B>(request: &'a Request<B>, origin: Option<&'a Uri>) -> Self {
        Self::new(
            Destination::from_uri(request.uri(), origin),
            request.method(),
            request.version(),
            request.headers(),
            request.extensions(),
        )
    }

    /// Ignores the [`UrlTemplate`] in the extensions, for a redirect to another path.
    #[must_use]
    pub fn without_url_template(mut self) -> Self {
        self.has_template = false;
        self
    }

    pub(super) fn destination(&self) -> &Destination<'a> {
        &self.destination
    }

    pub(super) fn method(&self) -> &'a Method {
        self.method
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    pub(super) fn extensions(&self) -> &'a Extensions {
        self.extensions
    }

    pub(super) fn template(&self) -> Option<&'a UrlTemplate> {
        self.extensions.get().filter(|_| self.has_template)
    }

    /// Calls `show` with the head of the request.
    #[inline]
    pub(super) fn with_head<T>(&self, show: impl FnOnce(&RequestHead<'_>) -> T) -> T {
        let uri = self.destination.uri();
        show(&RequestHead::new(
            self.method,
            &uri,
            self.version,
            self.headers,
            self.extensions,
        ))
    }
}

/// The destination of a request: its URL, with the host and the port.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    host: &'a str,
    port: Option<u16>,
    path: &'a str,
    url: Url<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Url<'a> {
    Text(&'a str),
    Uri {
        uri: &'a Uri,
        scheme: &'a str,
        authority: &'a str,
    },
}

impl<'a> Destination<'a> {
    /// Makes a destination from an absolute URL and its parts. An IPv6 host may have brackets.
    #[must_use]
    #[inline]
    pub fn from_url(url: &'a str, host: &'a str, port: Option<u16>, path: &'a str) -> Self {
        Self {
            host: without_brackets(host),
            port,
            path,
            url: Url::Text(url),
        }
    }

    /// Makes a destination from a URI. If there is an origin, it says where the request goes, else the URI does.
    ///
    /// The `Host` header does not count: a proxy may forward what an untrusted client has sent.
    #[must_use]
    #[inline]
    pub fn from_uri(uri: &'a Uri, origin: Option<&'a Uri>) -> Self {
        let named = origin.unwrap_or(uri);
        let scheme = named.scheme_str().unwrap_or("http");
        let authority = named.authority();
        let host = authority.map_or("", |authority| without_brackets(authority.host()));
        let port = match authority.and_then(Authority::port_u16) {
            Some(port) => Some(port),
            None if host.is_empty() => None,
            None => default_port(scheme),
        };
        Self {
            host,
            port,
            path: uri.path(),
            url: Url::Uri {
                uri,
                scheme,
                authority: authority.map_or("", Authority::as_str),
            },
        }
    }

    /// Returns the host, an IPv6 address without brackets. Returns an empty text if the host is not known.
    #[must_use]
    #[inline]
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// Returns the port, also if it is the default of the scheme.
    pub(super) fn port(&self) -> Option<u16> {
        self.port
    }

    pub(super) fn path(&self) -> &'a str {
        self.path
    }

    /// Returns the absolute URL, with its secrets.
    pub(super) fn url(&self) -> Cow<'a, str> {
        match self.url {
            Url::Text(url) => Cow::Borrowed(url),
            Url::Uri {
                uri,
                scheme,
                authority,
            } => {
                let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
                if authority.is_empty() {
                    return Cow::Borrowed(path);
                }
                let path = if path == "*" { "/*" } else { path };
                Cow::Owned([scheme, "://", authority, path].concat())
            }
        }
    }

    /// Returns the URI for hooks. A URL that is not a valid URI cannot be sent either; hooks see `/`.
    #[inline]
    fn uri(&self) -> Cow<'a, Uri> {
        match self.url {
            Url::Text(url) => Cow::Owned(url.parse().unwrap_or_default()),
            Url::Uri { uri, .. } => Cow::Borrowed(uri),
        }
    }
}

#[inline]
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
                .header("host", "untrusted")
                .body(())
                .unwrap();
            let origin: Option<Uri> = (!origin.is_empty()).then(|| origin.parse().unwrap());
            let outgoing = OutgoingRequest::from_request(&request, origin.as_ref());
            let destination = outgoing.destination();
            assert_eq!(destination.host(), host, "{uri} {origin:?}");
            assert_eq!(destination.port(), port, "{uri} {origin:?}");
            assert_eq!(destination.url(), url, "{uri} {origin:?}");
        }
    }
}
