//! Redirects, and what is sent with them.

use std::fmt;
use std::sync::Once;

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION,
    PROXY_AUTHORIZATION, TRANSFER_ENCODING, WWW_AUTHENTICATE,
};
use http::{HeaderMap, Method, StatusCode};
use reqwest::{Request, Response, Url};

/// Who follows redirects. Given to [`ClientMiddleware::redirects`](crate::ClientMiddleware::redirects).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirects {
    /// The client follows redirects as it was built. This is the default; reqwest follows ten.
    ///
    /// All hops are one attempt, and no middleware sees them. The span's `url.full` is the URL of the request, as the conventions
    /// ask. Every hop receives the same header fields.
    #[default]
    ByClient,
    /// The middleware follows at most this number of redirects per request. Each hop is an attempt with a span of its own.
    ///
    /// The client must not follow redirects itself: use [`ClientMiddleware::build`](crate::ClientMiddleware::build), or
    /// `redirect(reqwest::redirect::Policy::none())` on its builder. Differences to reqwest: a timeout counts for each hop, no
    /// `Referer` is set, and too many redirects are a [`TooManyRedirects`] in [`reqwest_middleware::Error::Middleware`].
    Follow(u32),
    /// Redirects are not followed: the redirect response is the result. The client must not follow redirects itself.
    No,
}

/// Warns once if the client has followed a redirect itself although the middleware should do so. Fragments are never sent, so they
/// do not count.
pub(crate) fn warn_if_followed(requested: &Url, response: &Response) {
    static ONCE: Once = Once::new();
    if without_fragment(requested) != without_fragment(response.url()) {
        ONCE.call_once(|| {
            tracing::warn!(
                name: "redirect_followed_by_client",
                { event.name = "redirect_followed_by_client" },
                "the client follows redirects itself, and each hop receives the injected context; make the client with \
                 ClientMiddleware::build, or with redirect(Policy::none())"
            );
        });
    }
}

fn without_fragment(url: &Url) -> &str {
    let text = url.as_str();
    text.split_once('#').map_or(text, |(url, _)| url)
}

/// The error if a request was redirected more often than [`Redirects::Follow`] allows.
#[derive(Debug)]
pub struct TooManyRedirects(());

impl TooManyRedirects {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for TooManyRedirects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too many redirects")
    }
}

impl std::error::Error for TooManyRedirects {}

/// A copy of a request, for a redirect that may follow.
pub(crate) struct Copy {
    request: Request,
    has_body: bool,
}

impl Copy {
    /// Copies a request. The body is left out if it is a stream.
    pub(crate) fn new(request: &mut Request) -> Option<Self> {
        if let Some(copy) = request.try_clone() {
            return Some(Self {
                request: copy,
                has_body: true,
            });
        }
        let body = request.body_mut().take();
        let copy = request.try_clone();
        *request.body_mut() = body;
        Some(Self {
            request: copy?,
            has_body: false,
        })
    }

    /// Returns the request that a redirect response asks for, and `true` if its path differs. Method and body follow RFC 9110,
    /// 15.4, as in reqwest. Returns `None` if the response is not a redirect or the request cannot be made.
    pub(crate) fn redirected(self, response: &Response) -> Option<(Request, bool)> {
        let Self {
            mut request,
            mut has_body,
        } = self;
        let location = response.headers().get(LOCATION)?;
        let location = std::str::from_utf8(location.as_bytes()).ok()?;
        let url = request.url().join(location).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let method = request.method().clone();
        let becomes_get = match response.status() {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => method == Method::POST,
            StatusCode::SEE_OTHER => true,
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
            _ => return None,
        };
        if becomes_get {
            if method != Method::HEAD {
                *request.method_mut() = Method::GET;
            }
            drop_body(&mut request);
            has_body = true;
        }
        if is_elsewhere(request.url(), &url) {
            drop_credentials(request.headers_mut());
        }
        let has_new_path = request.url().path() != url.path();
        *request.url_mut() = url;
        has_body.then_some((request, has_new_path))
    }
}

fn drop_body(request: &mut Request) {
    *request.body_mut() = None;
    for field in [
        CONTENT_TYPE,
        CONTENT_LENGTH,
        CONTENT_ENCODING,
        TRANSFER_ENCODING,
    ] {
        request.headers_mut().remove(field);
    }
}

/// Drops the headers that reqwest drops, and a `Host` that was set for another host.
fn drop_credentials(headers: &mut HeaderMap) {
    for field in [
        AUTHORIZATION,
        COOKIE,
        PROXY_AUTHORIZATION,
        WWW_AUTHENTICATE,
        HOST,
    ] {
        headers.remove(field);
    }
    headers.remove("cookie2");
}

fn is_elsewhere(before: &Url, after: &Url) -> bool {
    before.scheme() != after.scheme()
        || before.host_str() != after.host_str()
        || before.port_or_known_default() != after.port_or_known_default()
}
