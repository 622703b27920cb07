//! What a layer was told, shared by its services.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use otel_core::http::{HeaderCapture, KnownMethods, Redaction, SCHEMA_URL, TrustedProxies};
use otel_core::predicate::AnyOf;
use otel_core::propagator::PropagatorChoice;
use otel_core::rpc::RpcMethods;
use otel_core::span_update::SpanUpdate;
use otel_core::tracer::LazyTracer;
use otel_core::trust::TrustPolicy;
use otel_core::{RequestHead, ResponseHead};

use crate::server::end_at::EndAt;
use crate::server::first_byte::FirstByte;
use crate::server::measurement::Metrics;
use crate::server::trace_header::TraceHeader;

pub(crate) type RouteOf =
    Function<dyn for<'a> Fn(&RequestHead<'a>) -> Option<&'a str> + Send + Sync>;
pub(crate) type PeerOf = Function<dyn Fn(&RequestHead<'_>) -> Option<SocketAddr> + Send + Sync>;
pub(crate) type EndAtBy =
    Function<dyn Fn(&RequestHead<'_>, &ResponseHead<'_>) -> EndAt + Send + Sync>;
pub(crate) type OnRequest = Function<dyn Fn(&RequestHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;
pub(crate) type OnResponse =
    Function<dyn Fn(&RequestHead<'_>, &ResponseHead<'_>, &mut SpanUpdate<'_>) + Send + Sync>;

#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) tracer: Arc<LazyTracer>,
    pub(crate) propagator: PropagatorChoice,
    pub(crate) tracing_span: bool,
    pub(crate) attributes_for_sampler: bool,
    pub(crate) skip: AnyOf,
    pub(crate) trust: TrustPolicy,
    pub(crate) methods: KnownMethods,
    /// Where calls of gRPC are told apart.
    pub(crate) grpc: Option<RpcMethods>,
    pub(crate) redaction: Redaction,
    pub(crate) request_headers: HeaderCapture,
    pub(crate) response_headers: HeaderCapture,
    pub(crate) route: Option<RouteOf>,
    pub(crate) peer: Option<PeerOf>,
    pub(crate) proxies: TrustedProxies,
    pub(crate) https: bool,
    pub(crate) client_port: bool,
    pub(crate) network_transport: Option<&'static str>,
    pub(crate) end_at: EndAt,
    pub(crate) end_at_by: Option<EndAtBy>,
    pub(crate) first_byte: Option<FirstByte>,
    pub(crate) body_sizes: bool,
    pub(crate) on_request: Vec<OnRequest>,
    pub(crate) on_response: Vec<OnResponse>,
    pub(crate) trace_headers: Vec<TraceHeader>,
    pub(crate) metrics: Metrics,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tracer: Arc::new(LazyTracer::global(scope())),
            propagator: PropagatorChoice::default(),
            tracing_span: true,
            attributes_for_sampler: false,
            skip: AnyOf::default(),
            trust: TrustPolicy::default(),
            methods: KnownMethods::from_env(),
            grpc: None,
            redaction: Redaction::default(),
            request_headers: HeaderCapture::default(),
            response_headers: HeaderCapture::default(),
            route: None,
            peer: None,
            proxies: TrustedProxies::default(),
            https: false,
            client_port: false,
            network_transport: None,
            end_at: EndAt::default(),
            end_at_by: None,
            first_byte: None,
            body_sizes: false,
            on_request: Vec::new(),
            on_response: Vec::new(),
            trace_headers: Vec::new(),
            metrics: Metrics::new(&scope()),
        }
    }
}

impl Config {
    /// Whether something asks for the request when its response is there.
    pub(crate) fn keeps_request(&self) -> bool {
        self.end_at_by.is_some() || !self.on_response.is_empty()
    }
}

pub(crate) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("otel_tower")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(SCHEMA_URL)
        .build()
}

/// A user's function.
pub(crate) struct Function<F: ?Sized>(pub(crate) Arc<F>);

impl<F: ?Sized> Clone for Function<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: ?Sized> Deref for Function<F> {
    type Target = F;

    fn deref(&self) -> &F {
        &self.0
    }
}

impl<F: ?Sized> fmt::Debug for Function<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("function")
    }
}
