//! Makes requests and sends them through a router.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use futures_util::FutureExt as _;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

/// The parts of a request that differ between cases.
#[derive(Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) method: &'static str,
    pub(crate) target: &'static str,
    pub(crate) host: &'static str,
    pub(crate) agent: &'static str,
    pub(crate) traceparent: &'static str,
    pub(crate) baggage: Option<&'static str>,
    /// Adds the peer's address as `ConnectInfo`.
    pub(crate) has_peer: bool,
}

/// A request whose caller samples.
pub(crate) const SAMPLED: Sent = Sent {
    method: "GET",
    target: "/hello/42?lang=en&verbose=1",
    host: "shop.example:8080",
    agent: "bench/1.0 (otel-benches)",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    baggage: None,
    has_peer: false,
};

/// A request whose caller does not sample.
pub(crate) const UNSAMPLED: Sent = Sent {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    ..SAMPLED
};

pub(crate) const PUT: Sent = Sent {
    method: "PUT",
    ..SAMPLED
};

/// Two routes with the same length and the same ending.
pub(crate) const TWO_ROUTES: [Sent; 2] = [
    with("GET", "/carts/42/items?lang=en&verbose=1"),
    with("GET", "/users/42/items?lang=en&verbose=1"),
];

/// Ten pairs of method and route, from three methods and five routes.
pub(crate) const MANY: [Sent; 10] = [
    SAMPLED,
    with("PUT", "/orders/42?lang=en&verbose=1"),
    with("POST", "/carts/42/items?lang=en&verbose=1"),
    with("GET", "/users/42/items?lang=en&verbose=1"),
    with("PUT", "/prices/42?lang=en&verbose=1"),
    with("POST", "/hello/42?lang=en&verbose=1"),
    with("GET", "/orders/42?lang=en&verbose=1"),
    with("PUT", "/carts/42/items?lang=en&verbose=1"),
    with("POST", "/users/42/items?lang=en&verbose=1"),
    with("GET", "/prices/42?lang=en&verbose=1"),
];

const fn with(method: &'static str, target: &'static str) -> Sent {
    Sent {
        method,
        target,
        ..SAMPLED
    }
}

impl Sent {
    pub(crate) fn request(self) -> Request<Body> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.target)
            .header("host", self.host)
            .header("user-agent", self.agent)
            .header("accept", "*/*")
            .header("traceparent", self.traceparent);
        if let Some(baggage) = self.baggage {
            request = request.header("baggage", baggage);
        }
        if self.has_peer {
            let peer = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 7), 50512));
            request = request.extension(ConnectInfo(peer));
        }
        request.body(Body::empty()).expect("the parts are valid")
    }
}

/// Makes these requests in turn.
pub(crate) fn in_turn(sent: &[Sent]) -> impl Fn() -> Option<Request<Body>> + use<> {
    let sent = sent.to_vec();
    let next = Cell::new(0);
    move || {
        let at = next.replace((next.get() + 1) % sent.len());
        Some(sent[at].request())
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
