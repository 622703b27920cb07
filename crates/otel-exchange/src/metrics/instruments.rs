//! The instruments, looked up when the first request needs them.

use std::fmt;
use std::sync::{Arc, OnceLock};

use opentelemetry::metrics::{Histogram, Meter, MeterProvider, UpDownCounter};
use opentelemetry::{InstrumentationScope, global};

/// The buckets that the conventions advise for durations, in seconds.
const DURATION_BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// The instruments of one side, of the global meter provider or of one that was set.
///
/// Without a meter provider there are no instruments, so callers can skip the work of measuring.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    http: Arc<Lazy<HttpInstruments>>,
    rpc: Arc<Lazy<Histogram<f64>>>,
}

impl Metrics {
    /// Makes `http.server.*` and `rpc.server.*`.
    pub(crate) fn for_server(scope: InstrumentationScope) -> Self {
        Self {
            http: Arc::new(Lazy::new(scope.clone(), |meter| {
                HttpInstruments::new(meter, &SERVER)
            })),
            rpc: Arc::new(Lazy::new(scope, |meter| {
                rpc_duration(meter, "rpc.server.call.duration")
            })),
        }
    }

    /// Makes `http.client.*` and `rpc.client.*`.
    pub(crate) fn for_client(scope: InstrumentationScope) -> Self {
        Self {
            http: Arc::new(Lazy::new(scope.clone(), |meter| {
                HttpInstruments::new(meter, &CLIENT)
            })),
            rpc: Arc::new(Lazy::new(scope, |meter| {
                rpc_duration(meter, "rpc.client.call.duration")
            })),
        }
    }

    /// Uses this provider instead of the global one.
    pub(crate) fn set_provider(&mut self, provider: &impl MeterProvider) {
        self.http = Arc::new(self.http.with_provider(provider));
        self.rpc = Arc::new(self.rpc.with_provider(provider));
    }

    /// Returns the instruments of HTTP requests. Returns `None` without a meter provider.
    #[inline]
    pub(crate) fn http(&self) -> Option<&HttpInstruments> {
        self.http.get()
    }

    /// Returns `rpc.*.call.duration`, in seconds. Returns `None` without a meter provider.
    pub(crate) fn rpc(&self) -> Option<&Histogram<f64>> {
        self.rpc.get()
    }
}

/// The instruments of HTTP requests. Durations are in seconds, sizes in bytes.
#[derive(Debug)]
pub(crate) struct HttpInstruments {
    pub(crate) duration: Histogram<f64>,
    pub(crate) active_requests: UpDownCounter<i64>,
    pub(crate) request_body_size: Histogram<u64>,
    pub(crate) response_body_size: Histogram<u64>,
}

struct Names {
    duration: &'static str,
    active_requests: &'static str,
    request_body_size: &'static str,
    response_body_size: &'static str,
}

const SERVER: Names = Names {
    duration: "http.server.request.duration",
    active_requests: "http.server.active_requests",
    request_body_size: "http.server.request.body.size",
    response_body_size: "http.server.response.body.size",
};

const CLIENT: Names = Names {
    duration: "http.client.request.duration",
    active_requests: "http.client.active_requests",
    request_body_size: "http.client.request.body.size",
    response_body_size: "http.client.response.body.size",
};

impl HttpInstruments {
    fn new(meter: &Meter, names: &Names) -> Self {
        Self {
            duration: meter
                .f64_histogram(names.duration)
                .with_unit("s")
                .with_description("Duration of HTTP requests.")
                .with_boundaries(DURATION_BUCKETS.to_vec())
                .build(),
            active_requests: meter
                .i64_up_down_counter(names.active_requests)
                .with_unit("{request}")
                .with_description("Number of active HTTP requests.")
                .build(),
            request_body_size: meter
                .u64_histogram(names.request_body_size)
                .with_unit("By")
                .with_description("Size of HTTP request bodies.")
                .build(),
            response_body_size: meter
                .u64_histogram(names.response_body_size)
                .with_unit("By")
                .with_description("Size of HTTP response bodies.")
                .build(),
        }
    }
}

fn rpc_duration(meter: &Meter, name: &'static str) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description("Duration of RPC calls.")
        .with_boundaries(DURATION_BUCKETS.to_vec())
        .build()
}

/// Instruments that look up the global meter provider until one is set, and then keep it.
struct Lazy<T> {
    scope: InstrumentationScope,
    make: fn(&Meter) -> T,
    instruments: OnceLock<T>,
}

impl<T> Lazy<T> {
    fn new(scope: InstrumentationScope, make: fn(&Meter) -> T) -> Self {
        Self {
            scope,
            make,
            instruments: OnceLock::new(),
        }
    }

    fn with_provider(&self, provider: &impl MeterProvider) -> Self {
        let meter = provider.meter_with_scope(self.scope.clone());
        Self {
            scope: self.scope.clone(),
            make: self.make,
            instruments: OnceLock::from((self.make)(&meter)),
        }
    }

    #[inline]
    fn get(&self) -> Option<&T> {
        if let Some(instruments) = self.instruments.get() {
            return Some(instruments);
        }
        let provider = global::meter_provider();
        // The API's no-op provider has no size, and nothing else distinguishes it. A real provider holds a pipeline.
        if size_of_val(&*provider) == 0 {
            return None;
        }
        let meter = provider.meter_with_scope(self.scope.clone());
        Some(self.instruments.get_or_init(|| (self.make)(&meter)))
    }
}

impl<T> fmt::Debug for Lazy<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lazy")
            .field("scope", &self.scope.name())
            .field("is_found", &self.instruments.get().is_some())
            .finish_non_exhaustive()
    }
}
