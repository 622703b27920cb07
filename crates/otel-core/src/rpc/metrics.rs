//! The instruments of the RPC metrics.

use opentelemetry::InstrumentationScope;
use opentelemetry::metrics::{Histogram, Meter, MeterProvider};

use crate::instruments::{DURATION_BUCKETS, LazyInstruments};

/// The duration of calls, recorded with the global meter provider as soon as one is set.
#[derive(Debug)]
pub struct RpcMetrics(LazyInstruments<Histogram<f64>>);

impl RpcMetrics {
    /// Makes `rpc.server.call.duration`.
    #[must_use]
    pub fn server(scope: InstrumentationScope) -> Self {
        let make = |meter: &Meter| duration(meter, "rpc.server.call.duration");
        Self(LazyInstruments::new(scope, make))
    }

    /// Makes `rpc.client.call.duration`.
    #[must_use]
    pub fn client(scope: InstrumentationScope) -> Self {
        let make = |meter: &Meter| duration(meter, "rpc.client.call.duration");
        Self(LazyInstruments::new(scope, make))
    }

    /// Takes the instrument of this provider instead of the global one's.
    #[must_use]
    pub fn of(self, provider: &impl MeterProvider) -> Self {
        Self(self.0.of(provider))
    }

    /// `rpc.*.call.duration`, in seconds; there is none without a meter provider.
    #[must_use]
    pub fn duration(&self) -> Option<&Histogram<f64>> {
        self.0.get()
    }
}

fn duration(meter: &Meter, name: &'static str) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description("Duration of RPC calls.")
        .with_boundaries(DURATION_BUCKETS.to_vec())
        .build()
}
