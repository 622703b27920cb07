//! The end of a service: the shutdown signal, and a limit for the graceful shutdown.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;

/// Resolves when the process receives SIGTERM or Ctrl-C.
///
/// Use it in `axum::serve(listener, app).with_graceful_shutdown(otel_setup::shutdown_signal())`. [`drain`] adds the time limit
/// that a graceful shutdown needs, and its example shows the complete program. Requires a tokio runtime with its IO driver.
///
/// You can await it in several places. After a signal, all of these futures resolve, and so do futures that are created later. If the
/// operating system refuses the signal handler, the future never resolves, and the signal ends the process as usual.
pub async fn shutdown_signal() {
    /// Passes a signal to futures that were polled for the first time after the signal.
    static SEEN: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    let mut seen = SEEN.subscribe();
    let seen_before = async {
        // The sender is never dropped.
        let _ = seen.wait_for(|seen| *seen).await;
    };
    either(seen_before, either(interrupt, terminate())).await;
    SEEN.send_replace(true);
}

/// Runs a server until it ends, but at most for `limit` after the shutdown signal. Returns `None` if the limit was reached.
///
/// A graceful shutdown waits until every connection is closed. An open stream can keep it waiting forever, so without a limit the
/// platform kills the process before the last spans are exported. The sum of `limit` and
/// [`Builder::flush_limit`](crate::Builder::flush_limit) must be less than the time until the kill, which is 30 seconds by default in
/// Kubernetes.
///
/// Requests that are still running after the limit are dropped with the runtime, and their spans end then. A guard that is dropped after
/// the runtime flushes these spans. A guard inside `#[tokio::main]` is dropped before the runtime, and these spans are lost. Shut the
/// runtime down with a limit too, because dropping it waits for blocking work without a limit.
///
/// # Examples
///
/// ```no_run
/// use std::future::IntoFuture as _;
/// use std::time::Duration;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let _telemetry = otel_setup::init("checkout")?; // before the runtime, so that it is dropped after it
///     let runtime = tokio::runtime::Runtime::new()?;
///     let result = runtime.block_on(serve());
///     runtime.shutdown_timeout(Duration::from_secs(1)); // blocking work must not delay the flush
///     result
/// }
///
/// async fn serve() -> Result<(), Box<dyn std::error::Error>> {
///     let listener = tokio::net::TcpListener::bind("0.0.0.0:8080").await?;
///     let server = axum::serve(listener, app()).with_graceful_shutdown(otel_setup::shutdown_signal());
///     match otel_setup::drain(Duration::from_secs(20), server.into_future()).await {
///         Some(result) => result?,
///         None => tracing::warn!("some requests did not end in time"),
///     }
///     Ok(())
/// }
/// # fn app() -> axum::Router { axum::Router::new() }
/// ```
pub async fn drain<F: Future>(limit: Duration, server: F) -> Option<F::Output> {
    let limit_reached = async {
        shutdown_signal().await;
        tokio::time::sleep(limit).await;
        None
    };
    either(async { Some(server.await) }, limit_reached).await
}

#[cfg(unix)]
async fn terminate() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => pending().await,
    }
}

#[cfg(not(unix))]
async fn terminate() {
    pending().await
}

/// Returns the output of the future that is ready first.
async fn either<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let mut one = pin!(one);
    let mut other = pin!(other);
    poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(output),
        Poll::Pending => other.as_mut().poll(context),
    })
    .await
}
