//! The tokio runtime of all exporters.

use std::future::Future;
use std::mem;
use std::sync::OnceLock;

use opentelemetry::Context;
#[cfg(feature = "grpc")]
use tokio::runtime::EnterGuard;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

use crate::error::SetupError;

/// The runtime that exporters send on. The process has one.
///
/// The application's runtime cannot be used, because its threads may be the ones that wait for the flush.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExportRuntime(&'static Runtime);

impl ExportRuntime {
    /// Returns the runtime, and starts it on the first call.
    pub(crate) fn get() -> Result<Self, SetupError> {
        static RUNTIME: OnceLock<Runtime> = OnceLock::new();
        if let Some(runtime) = RUNTIME.get() {
            return Ok(Self(runtime));
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("otel-setup")
            .on_thread_start(suppress_telemetry)
            .enable_all()
            .build()
            .map_err(SetupError::exporter)?;
        Ok(Self(RUNTIME.get_or_init(|| runtime)))
    }

    #[cfg(feature = "grpc")]
    pub(super) fn enter(self) -> EnterGuard<'static> {
        self.0.enter()
    }

    pub(crate) fn spawn<T: Send + 'static>(
        self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.spawn(future)
    }
}

/// Suppresses telemetry until the thread ends.
///
/// Otherwise events of HTTP, gRPC, TLS and name resolution during an export would be exported too, which would log again, without end.
fn suppress_telemetry() {
    mem::forget(Context::enter_telemetry_suppressed_scope());
}
