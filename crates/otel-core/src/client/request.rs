//! The view of a request that is about to be sent.

use std::borrow::Cow;

use ::http::{Extensions, HeaderMap, Method, Uri, Version};

use super::url_template::UrlTemplate;
use crate::RequestHead;

/// A request that is about to be sent, of whatever client.
pub trait OutgoingRequest {
    /// The method.
    fn method(&self) -> &Method;
    /// The whole URL, as it is, with its secrets.
    fn url(&self) -> Cow<'_, str>;
    /// The host of the URL, an IPv6 address without brackets; empty where it is not known.
    fn host(&self) -> &str;
    /// The port of the URL, also where it is the scheme's own.
    fn port(&self) -> Option<u16>;
    /// The path of the URL.
    fn path(&self) -> &str;
    /// The same URL, for hooks.
    fn uri(&self) -> Cow<'_, Uri>;
    /// The HTTP version that is asked for.
    fn version(&self) -> Version;
    /// The headers.
    fn headers(&self) -> &HeaderMap;
    /// What the application has put there for this request.
    fn extensions(&self) -> &Extensions;
    /// The template that the application has set for its path. None where the path is another one since.
    fn template(&self) -> Option<UrlTemplate> {
        self.extensions().get().copied()
    }

    /// Shows it to a predicate or a hook.
    fn show<T>(&self, to: impl FnOnce(&RequestHead<'_>) -> T) -> T {
        let uri = self.uri();
        let (headers, extensions) = (self.headers(), self.extensions());
        to(&RequestHead::new(
            self.method(),
            &uri,
            self.version(),
            headers,
            extensions,
        ))
    }
}
