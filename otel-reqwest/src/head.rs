//! The view of a request that predicates and hooks see.

use http::{Extensions, Uri};
use otel_core::RequestHead;
use reqwest::Request;

/// reqwest keeps a URL; the view has a URI.
pub(crate) struct Head(Uri);

impl Head {
    /// A URL that makes no URI is one that reqwest will not send either; the view shows `/` then.
    pub(crate) fn of(request: &Request) -> Self {
        Self(request.url().as_str().parse().unwrap_or_default())
    }

    pub(crate) fn view<'a>(
        &'a self,
        request: &'a Request,
        extensions: &'a Extensions,
    ) -> RequestHead<'a> {
        RequestHead::new(
            request.method(),
            &self.0,
            request.version(),
            request.headers(),
            extensions,
        )
    }
}
