//! Warnings about spans that lack a part for a reason that nothing else reports. Each is written once per process.

use std::sync::Once;

/// Warns that a request does not say where it goes.
#[cold]
pub(super) fn warn_of_missing_host(name: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            name: "no_server_address",
            { event.name = "no_server_address" },
            "a request of {name}'s client has no host in its URI, so its span and its metrics have no `server.address`. Set the \
             destination with `ClientLayer::origin`, for a tonic channel `.origin(endpoint.uri().clone())`; see \
             docs/grpc-and-tower-clients.md#a-grpc-client"
        );
    });
}
