//! An attempt begins: its span is opened.

use std::sync::Arc;

use http::Method;
use opentelemetry::Context;
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, TraceContextExt as _};
use otel_core::RequestCell;
use otel_core::tracer::is_new;

use super::attributes;
use super::blanks;
use super::exchange::Exchange;
use super::http_measures::http_measures;
use super::options::ClientOptions;
use super::parent::parent;
use super::request::OutgoingRequest;
use super::target::Target;
use super::undecided::Undecided;
use crate::context_loss;
use crate::conventions::rpc;
use crate::hop::Hop;
use crate::kept_request::KeptRequest;
use crate::metrics::attributes::MetricAttributes;
use crate::metrics::measurement::{Measurement, USUAL_ATTRIBUTES};
use crate::sampling::is_unsampled;

impl ClientOptions {
    /// Returns `true` if some requests may be skipped. Otherwise [`skips`](Self::skips) need not be called.
    #[must_use]
    #[inline]
    pub fn has_skip(&self) -> bool {
        self.common.has_skip()
    }

    /// Returns `true` if the request is skipped: it gets no span and is not measured.
    #[must_use]
    #[inline]
    pub fn skips(&self, request: &OutgoingRequest<'_>) -> bool {
        self.has_skip() && request.with_head(|head| self.common.skips(head))
    }
}

impl Exchange {
    /// Opens the span under [`parent`] and runs the hooks that see the request.
    ///
    /// `resends` is the number of earlier attempts of the same request.
    #[must_use]
    pub fn open(options: &Arc<ClientOptions>, request: &OutgoingRequest<'_>, resends: u32) -> Self {
        let mut target = Target::new(options, request, resends);
        let span = open_span(options, request, &target);
        let measurement = measure(options, &target, &span.context);
        let metric_attributes = match measurement {
            Some(_) => request.extensions().get::<MetricAttributes>().cloned(),
            None => None,
        };
        // The status of a call that is neither recorded nor measured is not needed.
        let is_observed = span.is_recording || measurement.is_some();
        let mut undecided = None;
        if is_observed {
            undecided = Undecided::new(options, request, &target, span.is_recording);
            if !target.has_host() {
                blanks::warn_of_missing_host(options.common.name);
            }
        }
        let has_late_hooks = options.common.has_late_hooks();
        let mut exchange = Self {
            options: Arc::clone(options),
            cell: RequestCell::new(span.context, span.is_own, span.is_recording),
            hop: Hop::NONE,
            request: has_late_hooks.then(|| Box::new(request.with_head(KeptRequest::from_head))),
            response: None,
            late: Vec::new(),
            sizes: options.common.body_sizes.then(Box::default),
            measurement,
            metric_attributes,
            grpc: target.grpc.take().filter(|_| is_observed).map(Box::new),
            undecided,
            is_head_request: request.method() == Method::HEAD,
            is_finished: false,
        };
        for hook in &options.common.on_request {
            exchange.run_hook(|update| request.with_head(|head| hook(head, update)));
        }
        exchange
    }
}

struct OpenSpan {
    context: Context,
    /// The span of the context is the attempt's, not its parent.
    is_own: bool,
    is_recording: bool,
}

/// Opens the span. Attributes are made before the sampler decides, because a sampler may use them. Without an SDK, or under a
/// parent that is not sampled, they are made only if the span is then recorded.
#[inline]
fn open_span(
    options: &ClientOptions,
    request: &OutgoingRequest<'_>,
    target: &Target<'_>,
) -> OpenSpan {
    let parent = parent(request.extensions());
    let tracer = &options.common.tracer;
    context_loss::call_starts(&parent, options.common.name, || target.name().into_owned());
    let is_early =
        options.common.attributes_for_sampler || (tracer.is_found() && !is_unsampled(&parent));
    // `SpanBuilder` is large and its methods move it, so the fields are set directly.
    let mut builder = SpanBuilder::from_name(target.name());
    builder.span_kind = Some(SpanKind::Client);
    if is_early {
        builder.attributes = Some(attributes::at_start(options, request, target));
    }
    let mut span = tracer.start(builder, &parent);
    if !is_new(span.span_context(), &parent) {
        return OpenSpan {
            context: parent,
            is_own: false,
            is_recording: false,
        };
    }
    let is_recording = span.is_recording();
    if is_recording && !is_early {
        span.set_attributes(attributes::at_start(options, request, target));
    }
    OpenSpan {
        context: parent.with_span(span),
        is_own: true,
        is_recording,
    }
}

/// Returns `None` without a meter provider.
#[inline]
fn measure(options: &ClientOptions, target: &Target<'_>, context: &Context) -> Option<Measurement> {
    let metrics = &options.common.metrics;
    metrics.http()?;
    if target.grpc.is_some() {
        let mut attributes = Vec::with_capacity(USUAL_ATTRIBUTES);
        attributes.push(rpc::attribute::system());
        target.add_server(options, &mut attributes);
        return Some(Measurement::new(attributes));
    }
    let mut measurement = Measurement::new(Vec::new());
    http_measures(options, target).start(&options.common, &mut measurement, context);
    Some(measurement)
}
