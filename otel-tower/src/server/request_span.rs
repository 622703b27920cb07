//! The current request, as an extractor of axum.

use std::ops::Deref;

use otel_exchange::otel_core::CurrentRequest;

/// The SERVER span of the request that is being handled, at any depth of nested spans.
///
/// Use it for what a handler learns about its request, such as `user.id`. With the feature `axum` it is an extractor. Code that a
/// handler calls gets it from [`current`](Self::current). The methods are those of [`CurrentRequest`].
///
/// ```
/// use otel_tower::RequestSpan;
///
/// #[tracing::instrument]
/// fn sign_in(user: u64) {
///     RequestSpan::current().set_attribute("user.id", user.to_string());
/// }
///
/// async fn home(span: RequestSpan) -> &'static str {
///     span.set_name("GET home");
///     sign_in(42);
///     "welcome"
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(home));
/// ```
#[derive(Debug, Clone, Default)]
pub struct RequestSpan(CurrentRequest);

impl RequestSpan {
    /// Returns the span of the request that is being handled on this thread.
    #[must_use]
    pub fn current() -> Self {
        Self(CurrentRequest::get())
    }
}

impl Deref for RequestSpan {
    type Target = CurrentRequest;

    fn deref(&self) -> &CurrentRequest {
        &self.0
    }
}

#[cfg(feature = "axum")]
impl<S: Sync> axum::extract::FromRequestParts<S> for RequestSpan {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        _: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::current())
    }
}
