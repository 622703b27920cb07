//! A request of reqwest, as the CLIENT span sees it.

use std::borrow::Cow;

use http::{Extensions, HeaderMap, Method, Uri, Version};
use otel_core::client::{OutgoingRequest, UrlTemplate};
use reqwest::Request;

/// A request and what the application has put beside it.
pub(crate) struct SentRequest<'a> {
    pub(crate) request: &'a Request,
    pub(crate) extensions: &'a Extensions,
    /// A redirect has sent it to another path than the application's.
    pub(crate) has_new_path: bool,
}

impl OutgoingRequest for SentRequest<'_> {
    fn method(&self) -> &Method {
        self.request.method()
    }

    fn url(&self) -> Cow<'_, str> {
        self.request.url().as_str().into()
    }

    fn host(&self) -> &str {
        let host = self.request.url().host_str().unwrap_or_default();
        host.strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host)
    }

    fn port(&self) -> Option<u16> {
        self.request.url().port_or_known_default()
    }

    fn path(&self) -> &str {
        self.request.url().path()
    }

    /// A URL that makes no URI is one that reqwest will not send either; it shows as `/`.
    fn uri(&self) -> Cow<'_, Uri> {
        Cow::Owned(self.request.url().as_str().parse().unwrap_or_default())
    }

    fn version(&self) -> Version {
        self.request.version()
    }

    fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    fn extensions(&self) -> &Extensions {
        self.extensions
    }

    fn template(&self) -> Option<UrlTemplate> {
        let own = self.extensions.get().copied();
        own.filter(|_| !self.has_new_path)
    }
}
