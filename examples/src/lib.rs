//! What the programs do alike: listen, serve, stop.

use std::env;
use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::anyhow;
use axum::Router;
use otel_setup::Builder;
use tokio::net::TcpListener;

pub mod grpc;

const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or Ctrl-C, then gives the requests that are under way five seconds.
///
/// Of those that it cuts off no spans are flushed by a guard inside `#[tokio::main]`; `streaming` shows the other way.
///
/// The address is that of [`listen`].
///
/// # Errors
///
/// When the address cannot be listened on.
pub async fn serve(name: &str, app: Router, port: u16) -> anyhow::Result<()> {
    let listener = listen(name, port).await?;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(otel_setup::shutdown_signal());
    match otel_setup::drain(DRAIN_LIMIT, server.into_future()).await {
        Some(result) => result?,
        None => tracing::warn!("some requests did not end in time"),
    }
    Ok(())
}

/// Chooses the layer that makes the spans: otel-tracing's layer, or tracing-opentelemetry's layer if the variable
/// `OTEL_TESTKIT_SPAN_LAYER` is `tracing-opentelemetry`. The tests run some of the programs with both layers.
pub fn with_span_layer(builder: Builder) -> Builder {
    if env::var("OTEL_TESTKIT_SPAN_LAYER").is_ok_and(|name| name == "tracing-opentelemetry") {
        builder.tracing_opentelemetry_layer()
    } else {
        builder
    }
}

/// Listens on the variable `LISTEN`, or on 127.0.0.1 and the given port.
///
/// The address is named on standard error, since the log may be switched off.
///
/// # Errors
///
/// When the address cannot be listened on.
pub async fn listen(name: &str, port: u16) -> anyhow::Result<TcpListener> {
    let address = env::var("LISTEN").unwrap_or_else(|_| format!("127.0.0.1:{port}"));
    let listener = TcpListener::bind(&address).await.map_err(|error| {
        anyhow!("cannot listen on {address}: {error}; set LISTEN to a free address")
    })?;
    eprintln!("{name} listening on http://{}", listener.local_addr()?);
    Ok(listener)
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/from-tracing-opentelemetry.md")]
mod from_tracing_opentelemetry {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/propagation.md")]
mod propagation {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/serverless.md")]
mod serverless {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/set-up.md")]
mod set_up {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/testing.md")]
mod testing {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/troubleshooting.md")]
mod troubleshooting {}
