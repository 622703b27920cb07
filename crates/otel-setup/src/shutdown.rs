//! The end of a service: the signal, and no more time than there is.

use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;

/// Resolves when the process is asked to end: SIGTERM or Ctrl-C.
///
/// For `axum::serve(listener, app).with_graceful_shutdown(otel_setup::shutdown_signal())`; [`drain`] adds the limit
/// that a graceful shutdown needs, and shows the whole program. Needs a tokio runtime with its IO driver.
///
/// The process may await it in many places: all of them learn of a signal that one has seen, also those that come
/// later. Where the system gives no signal handler, it never resolves, and the process ends as it would without it.
pub async fn shutdown_signal() {
    /// So that no one misses a signal between two listeners' first polls.
    static SEEN: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    };
    let mut seen = SEEN.subscribe();
    let told = async {
        // The sender is never dropped.
        let _ = seen.wait_for(|seen| *seen).await;
    };
    either(told, either(interrupt, terminate())).await;
    SEEN.send_replace(true);
}

/// Runs a server until it ends, and no longer than `limit` after the process was asked to end; `None` where the limit
/// ended it.
///
/// A graceful shutdown waits for every connection, and a stream that no one closes waits for ever: without a limit the
/// process is killed with its last spans unsent. Choose `limit` and
/// [`Builder::flush_limit`](crate::Builder::flush_limit) to fit together into the time that the process is given, in
/// Kubernetes 30 seconds unless changed.
///
/// What is still running then is dropped with the runtime, and only then do its spans end. A guard that lives longer than
/// the runtime flushes them; one inside `#[tokio::main]` is dropped before, and they are lost. Give the runtime a limit as
/// well: its drop waits for blocking work without one.
///
/// # Examples
///
/// ```no_run
/// use std::future::IntoFuture as _;
/// use std::time::Duration;
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let _telemetry = otel_setup::init("checkout")?; // before the runtime, so that it flushes after it
///     let runtime = tokio::runtime::Runtime::new()?;
///     let result = runtime.block_on(serve());
///     runtime.shutdown_timeout(Duration::from_secs(1)); // blocking work must not hold up the flush
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
    let over = async {
        shutdown_signal().await;
        tokio::time::sleep(limit).await;
        None
    };
    either(async { Some(server.await) }, over).await
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

/// Whichever is first.
async fn either<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> T {
    let mut one = pin!(one);
    let mut other = pin!(other);
    poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(output),
        Poll::Pending => other.as_mut().poll(context),
    })
    .await
}
