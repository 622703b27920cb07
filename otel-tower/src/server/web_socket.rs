//! The task of axum's websockets.

use std::future::Future;

use axum::extract::ws::{OnFailedUpgrade, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use otel_exchange::otel_core::task::Carried;

/// Adds [`on_upgrade_in_context`](Self::on_upgrade_in_context) to axum's [`WebSocketUpgrade`]. The trait is sealed.
///
/// ```
/// use axum::extract::ws::{WebSocket, WebSocketUpgrade};
/// use axum::response::Response;
/// use otel_tower::WebSocketUpgradeExt as _;
///
/// async fn chat(upgrade: WebSocketUpgrade) -> Response {
///     upgrade.on_upgrade_in_context(talk)
/// }
///
/// #[tracing::instrument(skip_all)]
/// async fn talk(mut socket: WebSocket) {
///     while let Some(Ok(_message)) = socket.recv().await { /* … */ }
/// }
/// # let _: axum::Router = axum::Router::new().route("/chat", axum::routing::any(chat));
/// ```
#[cfg_attr(docsrs, doc(cfg(feature = "axum-ws")))]
pub trait WebSocketUpgradeExt: sealed::Sealed {
    /// Upgrades the connection as [`on_upgrade`](WebSocketUpgrade::on_upgrade) does, and runs the callback in the request's context.
    ///
    /// axum runs the callback in another task. There a span would be the root of another trace. Here the callback and its future
    /// run in the context that is active in the handler, as
    /// [`Carried`](otel_exchange::otel_core::task::Carried) describes: spans and calls of the socket are in the request's trace.
    /// The SERVER span ends with the upgrade, as without this method.
    ///
    /// Call it in the handler. `on_failed_upgrade` and the other methods of `WebSocketUpgrade` come before it.
    fn on_upgrade_in_context<C, Fut>(self, callback: C) -> Response
    where
        C: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static;
}

impl<F: OnFailedUpgrade> WebSocketUpgradeExt for WebSocketUpgrade<F> {
    fn on_upgrade_in_context<C, Fut>(self, callback: C) -> Response
    where
        C: FnOnce(WebSocket) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let carried = Carried::current();
        self.on_upgrade(move |socket| carried.in_context(async move { callback(socket).await }))
    }
}

mod sealed {
    use axum::extract::ws::WebSocketUpgrade;

    #[expect(
        unnameable_types,
        reason = "the name is private so that the trait stays sealed"
    )]
    pub trait Sealed {}
    impl<F> Sealed for WebSocketUpgrade<F> {}
}
