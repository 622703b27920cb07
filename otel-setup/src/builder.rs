//! Everything that can be told to the set-up, and the order in which it is done.

use std::time::Duration;

use opentelemetry::global;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use otel_core::propagation;

use crate::error::SetupError;
use crate::telemetry::Telemetry;
use crate::{exporter, resource, sampler, subscriber, variable};

const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// Sets up a process; made by [`builder`](crate::builder).
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    service_name: Option<String>,
    flush_limit: Duration,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self {
            service_name: None,
            flush_limit: FLUSH_LIMIT,
        }
    }

    /// Names the service. Without it `OTEL_SERVICE_NAME` counts, then `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.
    pub fn service_name(mut self, name: impl Into<String>) -> Self {
        self.service_name = Some(name.into());
        self
    }

    /// Sets how long the guard may flush when it is dropped. Default: 5 seconds.
    pub fn flush_limit(mut self, limit: Duration) -> Self {
        self.flush_limit = limit;
        self
    }

    /// Sets everything up; the guard keeps it alive.
    ///
    /// # Errors
    ///
    /// When there is no service name, when a variable cannot be used, when the exporter cannot be built, and when a
    /// `tracing` subscriber is installed already. Nothing is exported then.
    pub fn init(self) -> Result<Telemetry, SetupError> {
        let propagator = propagation::from_env().map_err(|error| {
            let value = std::env::var("OTEL_PROPAGATORS").unwrap_or_default();
            SetupError::variable("OTEL_PROPAGATORS", value, error.to_string())
        })?;
        let resource = resource::build(self.service_name.as_deref())?;
        let provider = if variable::is_true("OTEL_SDK_DISABLED")? {
            None
        } else {
            let mut builder = SdkTracerProvider::builder()
                .with_resource(resource)
                .with_sampler(sampler::from_env()?);
            if let Some(exporter) = exporter::from_env()? {
                builder = builder.with_batch_exporter(exporter);
            }
            Some(builder.build())
        };
        subscriber::install(provider.as_ref().map(|provider| provider.tracer("tracing")))?;
        // A disabled SDK still hands on what callers send.
        global::set_text_map_propagator(propagator);
        if let Some(provider) = &provider {
            global::set_tracer_provider(provider.clone());
        }
        Ok(Telemetry::new(provider, self.flush_limit))
    }
}
