//! Who follows redirects, and what goes along.

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
    /// The client, if it was built so; reqwest's own default is to follow ten. The default.
    ///
    /// All hops are one attempt, and no middleware sees them: one span, whose `url.full` is the URL as first asked and
    /// whose `reqwest.response.url` is the one that answered. Every hop is sent the same header fields.
    #[default]
    ByClient,
    /// The middleware, up to so many times for one request; each hop is an attempt with a span of its own.
    ///
    /// The client must not follow by itself: [`ClientMiddleware::build`](crate::ClientMiddleware::build), or
    /// `redirect(reqwest::redirect::Policy::none())` on its builder. Differences to reqwest: a time limit counts for each
    /// hop, no `Referer` is set, and one redirect too many is a [`TooManyRedirects`] in
    /// [`reqwest_middleware::Error::Middleware`].
    Follow(u32),
    /// No one: the response that redirects is the result. The client must not follow by itself either.
    No,
}

/// To be called when the client has followed a redirect by itself.
pub(crate) fn warn_if_ours(redirects: Redirects) {
    static ONCE: Once = Once::new();
    if redirects != Redirects::ByClient {
        ONCE.call_once(|| {
            tracing::warn!(
                "the client follows redirects by itself, and what is sent of the context goes along; make it with \
                 ClientMiddleware::build, or with redirect(Policy::none())"
            );
        });
    }
}

/// A response redirected once more than [`Redirects::Follow`] allows.
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

/// Copies of a request, for hops that may come.
pub(crate) struct Copy {
    request: Request,
    has_body: bool,
}

impl Copy {
    /// Of a body that is a stream there is no copy.
    pub(crate) fn of(request: &mut Request) -> Option<Self> {
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

    /// The request that a response asks for, if it does and it can be made, and whether its path is another one: method and
    /// body by RFC 9110, 15.4, as reqwest does it.
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

/// What reqwest drops as well, and a `Host` that was set by hand for another host.
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
