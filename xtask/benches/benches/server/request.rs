//! One request, and its way through a router.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A caller that samples.
    Sampled,
    /// A caller that does not.
    Unsampled,
}

impl Kind {
    pub(crate) fn request(self) -> Request<Body> {
        let traceparent = match self {
            Self::Sampled => "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            Self::Unsampled => "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
        };
        Request::get("/hello/42?lang=en&verbose=1")
            .header("host", "shop.example:8080")
            .header("user-agent", "bench/1.0 (otel-benches)")
            .header("accept", "*/*")
            .header("traceparent", traceparent)
            .body(Body::empty())
            .expect("the parts are valid")
    }
}

/// Nothing in it waits, so no runtime is measured. The body is read to its end.
pub(crate) fn answer(router: Router, request: Request<Body>) -> usize {
    let work = async {
        let Ok(response) = router.oneshot(request).await;
        let body = response.into_body().collect().await;
        body.map_or(0, |body| body.to_bytes().len())
    };
    work.now_or_never().unwrap_or_default()
}
