//! The guard: what was set up, until it is dropped.

use std::time::Duration;

use opentelemetry_sdk::trace::SdkTracerProvider;

/// Keeps the export alive; flushes what is left when it is dropped, within a time limit.
///
/// Bind it in `main` to a name that lives to the end: `let telemetry = otel_setup::init("checkout")?;`. The drop takes
/// at most [`Builder::flush_limit`](crate::Builder::flush_limit), 5 seconds unless changed, also when the endpoint
/// hangs.
#[derive(Debug)]
#[must_use = "spans are flushed when this is dropped: bind it to a name that lives until the end of main"]
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
    flush_limit: Duration,
}

impl Telemetry {
    pub(crate) fn new(provider: Option<SdkTracerProvider>, flush_limit: Duration) -> Self {
        Self {
            provider,
            flush_limit,
        }
    }

    /// The tracer provider, also set as the global one. `None` where the SDK is disabled.
    #[must_use]
    pub fn tracer_provider(&self) -> Option<&SdkTracerProvider> {
        self.provider.as_ref()
    }

    /// Exports what has been recorded so far and stops, within the time limit.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider {
            // The exporter has reported what it could not deliver; at the end of main no one is left to handle it.
            let _ = provider.shutdown_with_timeout(self.flush_limit);
        }
    }
}
