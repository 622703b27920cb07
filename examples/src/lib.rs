//! What both services of the demo do alike: listen, serve, stop.

use std::env;
use std::process::ExitCode;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;

/// Serves until SIGTERM or Ctrl-C, then finishes the requests that are under way.
///
/// The address is the variable `LISTEN`, or 127.0.0.1 and the given port. It is named on standard error, since the log
/// may be switched off.
///
/// # Errors
///
/// When the address cannot be listened on.
pub async fn serve(name: &str, app: Router, port: u16) -> anyhow::Result<()> {
    let address = env::var("LISTEN").unwrap_or_else(|_| format!("127.0.0.1:{port}"));
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("cannot listen on {address}, set LISTEN to a free address"))?;
    eprintln!("{name} listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(stop_signal())
        .await?;
    Ok(())
}

/// Ends `main`: an error becomes one line and a non-zero exit code.
#[must_use]
pub fn exit_code(name: &str, result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt => {}
            },
            Err(_) => drop(interrupt.await),
        }
    }
    #[cfg(not(unix))]
    drop(interrupt.await);
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/propagation.md")]
mod propagation {}

#[cfg(doctest)]
#[doc = include_str!("../../docs/testing.md")]
mod testing {}
