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
            rpc: Arc::new(Lazy::new(scope, |meter| duration(meter, INCOMING_CALLS))),
        }
    }

    /// Makes `http.client.*` and `rpc.client.*`.
    pub(crate) fn for_client(scope: InstrumentationScope) -> Self {
        Self {
            http: Arc::new(Lazy::new(scope.clone(), |meter| {
                HttpInstruments::new(meter, &CLIENT)
            })),
            rpc: Arc::new(Lazy::new(scope, |meter| duration(meter, OUTGOING_CALLS))),
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

/// The name and the description of an instrument, both copied from the conventions.
///
/// With another description, a Prometheus that also scrapes services in other languages shows two HELP lines for one name.
type Metric = (&'static str, &'static str);

const INCOMING_CALLS: Metric = (
    "rpc.server.call.duration",
    "Measures the duration of an incoming Remote Procedure Call (RPC).",
);
const OUTGOING_CALLS: Metric = (
    "rpc.client.call.duration",
    "Measures the duration of an outgoing Remote Procedure Call (RPC).",
);

struct HttpMetrics {
    duration: Metric,
    active_requests: Metric,
    request_body_size: Metric,
    response_body_size: Metric,
}

const SERVER: HttpMetrics = HttpMetrics {
    duration: (
        "http.server.request.duration",
        "Duration of HTTP server requests.",
    ),
    active_requests: (
        "http.server.active_requests",
        "Number of active HTTP server requests.",
    ),
    request_body_size: (
        "http.server.request.body.size",
        "Size of HTTP server request bodies.",
    ),
    response_body_size: (
        "http.server.response.body.size",
        "Size of HTTP server response bodies.",
    ),
};

const CLIENT: HttpMetrics = HttpMetrics {
    duration: (
        "http.client.request.duration",
        "Duration of HTTP client requests.",
    ),
    // The conventions do not name the client here.
    active_requests: (
        "http.client.active_requests",
        "Number of active HTTP requests.",
    ),
    request_body_size: (
        "http.client.request.body.size",
        "Size of HTTP client request bodies.",
    ),
    response_body_size: (
        "http.client.response.body.size",
        "Size of HTTP client response bodies.",
    ),
};

impl HttpInstruments {
    fn new(meter: &Meter, metrics: &HttpMetrics) -> Self {
        let (active_requests, description) = metrics.active_requests;
        Self {
            duration: duration(meter, metrics.duration),
            active_requests: meter
                .i64_up_down_counter(active_requests)
                .with_unit("{request}")
                .with_description(description)
                .build(),
            request_body_size: body_size(meter, metrics.request_body_size),
            response_body_size: body_size(meter, metrics.response_body_size),
        }
    }
}

fn body_size(meter: &Meter, (name, description): Metric) -> Histogram<u64> {
    meter
        .u64_histogram(name)
        .with_unit("By")
        .with_description(description)
        .build()
}

fn duration(meter: &Meter, (name, description): Metric) -> Histogram<f64> {
    meter
        .f64_histogram(name)
        .with_unit("s")
        .with_description(description)
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
