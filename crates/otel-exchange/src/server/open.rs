//! A request arrives: its span is opened.

use std::sync::Arc;

use http::Request;
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use otel_core::RequestHead;
use otel_core::span_access::{self, SpanAccess};
use tracing::span::EnteredSpan;

use super::arrival::Arrival;
use super::attributes;
use super::blanks;
use super::exchange::{Exchange, FirstEntry, NamedRequest};
use super::http_measures::http_measures;
use super::options::ServerOptions;
use super::request_info::{self, RequestInfo};
use super::route_slot::ExpectedRoute;
use super::span::{Opened, ServerSpan};
use super::undecided::Undecided;
use crate::callback;
use crate::context_loss::{self, StartingRequest};
use crate::conventions::rpc;
use crate::hop::{self, Hop};
use crate::kept_request::KeptRequest;
use crate::metrics::measurement::{Measurement, USUAL_ATTRIBUTES};

impl Exchange {
    /// Opens the span of a request and runs the hooks that see the request. Adds to its extensions what the handler may use.
    ///
    /// The span is current on this thread until [`run_first`](Self::run_first) has run the first step of the request. Returns
    /// `None` if there is nothing to do: no SDK is installed and the request carries no context, or a layer further out has opened
    /// this request.
    pub fn open<B>(
        options: &Arc<ServerOptions>,
        request: &mut Request<B>,
    ) -> Option<(Self, FirstEntry)> {
        let is_measured = options.common.metrics.http().is_some();
        let is_found = options.common.tracer.is_found() || has_subscriber(options);
        let arrival = if is_found || is_measured || options.sees_heads() {
            Arrival::new(options, request)
        } else {
            Arrival::as_received(request)
        };
        let head = arrival.head;
        if hop::is_second_server(&head) {
            blanks::warn_of_second_layer(options.common.name);
            return None;
        }
        if options.common.skips(&head) {
            return open_skipped(options, &head);
        }
        let starting = StartingRequest::begin(options.common.name, || {
            request_info::span_name(options, &arrival).name.into_owned()
        });
        let (parent, link) = incoming(options, &head);

        let layer = options
            .make_tracing_span
            .and_then(|_| SpanAccess::current());
        let mut info = None;
        if is_found || options.common.attributes_for_sampler {
            info = Some(RequestInfo::new(options, arrival));
        }
        let (span, entered) = open_span(options, layer.as_ref(), parent, link, info.as_ref());
        if span.is_recording() && info.is_none() {
            let arrival = Arrival::new(options, request);
            let found = info.insert(RequestInfo::new(options, arrival));
            describe(options, &span, found);
        }

        if !is_measured && span.is_idle() && !options.common.has_hooks() {
            return None;
        }
        let mut exchange = Exchange::new(options, span, head.method());
        exchange.running = starting
            .and_then(|starting| name_running(&exchange, starting, info.as_ref(), &arrival));
        let is_observed = is_measured || exchange.span.is_recording();
        if is_observed {
            let info = info.get_or_insert_with(|| RequestInfo::new(options, arrival));
            if is_measured {
                exchange.measurement = Some(Box::new(measure(options, &exchange.span, info)));
            }
            let is_recording = exchange.span.is_recording();
            exchange.undecided = Undecided::new(options, info, is_recording);
            // A gRPC call has no route.
            if info.grpc.is_none() {
                exchange.expected_route = ExpectedRoute::new(options, &info.method, &info.name);
            }
        }
        exchange.grpc = info.and_then(|info| info.grpc);
        if options.needs_request_copy() {
            exchange.request = Some(Box::new(KeptRequest::from_head(&head)));
        }
        if !options.common.on_request.is_empty() {
            exchange.run_request_hooks(&head);
        }
        // A request that has no span and is not measured is left to a layer further in.
        if exchange.span.has_span() || is_measured {
            let unmarked = Hop::from_request(&head);
            let hop =
                unmarked.unwrap_or_else(|| Hop::from_marked_request(request.extensions_mut()));
            exchange.span.set_hop(hop);
        }
        if options.common.body_sizes {
            exchange.sizes = Some(Box::default());
        }
        let undecided = exchange.undecided.as_ref();
        let expected = exchange.expected_route.as_ref();
        if let Some(expected) = expected.or(undecided.and_then(|it| it.route.as_ref())) {
            request.extensions_mut().insert(expected.slot().clone());
        }
        Some((exchange, FirstEntry(entered)))
    }

    fn run_request_hooks(&mut self, head: &RequestHead<'_>) {
        let options = Arc::clone(&self.options);
        for hook in &options.common.on_request {
            self.run_hook(|update| hook(head, update));
        }
    }
}

#[inline]
fn open_span(
    options: &ServerOptions,
    layer: Option<&SpanAccess>,
    parent: Context,
    link: Option<SpanContext>,
    info: Option<&RequestInfo<'_>>,
) -> (ServerSpan, Option<EnteredSpan>) {
    if let (Some(layer), Some(info)) = (layer, info) {
        return ServerSpan::open_in_layer(options, layer, &parent, link, info);
    }
    let info_for_tracing = info.filter(|_| has_subscriber(options));
    let opened = info_for_tracing
        .map(|info| ServerSpan::open_in_tracing(options, &parent, link.as_ref(), info));
    if let Some(Opened::Server(span, entered)) = opened {
        blanks::set_traced();
        return (span, Some(entered));
    }
    let span = ServerSpan::open_in_api(options, parent, link, info);
    match (opened, info_for_tracing) {
        (Some(opened), Some(info)) if !options.common.tracer.is_found() => {
            without_provider(options, span, opened, info)
        }
        _ => (span, None),
    }
}

/// Warns that neither a span layer nor a provider was found, and keeps the `tracing` span if a subscriber enables it.
#[cold]
fn without_provider(
    options: &ServerOptions,
    mut span: ServerSpan,
    opened: Opened,
    info: &RequestInfo<'_>,
) -> (ServerSpan, Option<EnteredSpan>) {
    let name = options.common.name;
    let Opened::OnlyTracing {
        entered,
        is_hidden_from_layer,
    } = opened
    else {
        blanks::warn_of_hidden_span(name, false);
        return (span, None);
    };
    if is_hidden_from_layer {
        blanks::warn_of_hidden_span(name, true);
    } else {
        blanks::warn_of_missing_provider(name);
    }
    span.keep_tracing(options, &entered, info);
    (span, Some(entered))
}

/// Returns `true` if the request gets a `tracing` span, if the subscriber enables it.
fn has_subscriber(options: &ServerOptions) -> bool {
    options.make_tracing_span.is_some() && tracing::dispatcher::has_been_set()
}

/// Opens no span. The incoming context stays active in the handler. Returns `None` if there is no incoming context.
fn open_skipped(
    options: &Arc<ServerOptions>,
    head: &RequestHead<'_>,
) -> Option<(Exchange, FirstEntry)> {
    let (context, _) = incoming(options, head);
    let marked = context_loss::without_span(&context);
    let is_marked = marked.is_some();
    let span = ServerSpan::skipped(marked.unwrap_or(context));
    if span.is_idle() && !is_marked {
        return None;
    }
    let exchange = Exchange::new(options, span, head.method());
    Some((exchange, FirstEntry(None)))
}

/// Returns the context that the trust policy adopts, and the span to link to. A policy that panics adopts nothing.
///
/// Without a caller the parent is that of an outgoing call here: the active span, or else the current `tracing` span. A layer with
/// `with_context_activation(false)` leaves the latter inactive.
fn incoming(options: &ServerOptions, head: &RequestHead<'_>) -> (Context, Option<SpanContext>) {
    let admitted = admit(options, head, Context::current());
    blanks::check_propagator(options, head);
    if !admitted.0.has_active_span() && tracing::dispatcher::has_been_set() {
        if let Some(around) = admit_around(options, head) {
            return around;
        }
    }
    admitted
}

/// Admits the request into the context of the current `tracing` span. Returns `None` if there is no such context.
#[cold]
fn admit_around(
    options: &ServerOptions,
    head: &RequestHead<'_>,
) -> Option<(Context, Option<SpanContext>)> {
    let around = span_access::current_context().filter(Context::has_active_span)?;
    Some(admit(options, head, around))
}

#[inline(always)]
fn admit(
    options: &ServerOptions,
    head: &RequestHead<'_>,
    ambient: Context,
) -> (Context, Option<SpanContext>) {
    let admitted = callback::call("trust", || {
        let propagator = &options.common.propagator;
        let mut incoming = options.trust.admit(propagator, &ambient, head);
        if forces_sampling(options, head) {
            incoming.sample();
        }
        incoming.into_parts()
    });
    admitted.unwrap_or((ambient, None))
}

/// Returns `true` if the request has the header that samples it. The header is off if it is empty, `0` or `false`.
fn forces_sampling(options: &ServerOptions, head: &RequestHead<'_>) -> bool {
    let Some(name) = &options.force_sampling_header else {
        return false;
    };
    let mut values = head.headers().get_all(name).into_iter();
    values.any(|value| {
        let value = value.as_bytes().trim_ascii();
        !(value.is_empty() || value == b"0" || value.eq_ignore_ascii_case(b"false"))
    })
}

/// Sets the name and the attributes of a span that started without them.
fn describe(options: &ServerOptions, span: &ServerSpan, info: &RequestInfo<'_>) {
    let span = span.context().span();
    span.update_name(info.name.name.clone());
    attributes::set_at_start(options, info, &span);
}

/// Returns `None` if the request has no span: then its calls have no parent on purpose.
fn name_running(
    exchange: &Exchange,
    starting: StartingRequest,
    info: Option<&RequestInfo<'_>>,
    arrival: &Arrival<'_>,
) -> Option<NamedRequest> {
    if !exchange.span.is_own() {
        return None;
    }
    let name = match info {
        Some(info) => info.name.as_static(),
        None => request_info::span_name(&exchange.options, arrival).as_static(),
    };
    let span = exchange.span.context().span();
    Some(NamedRequest {
        request: starting.opened(span.span_context()),
        name,
    })
}

fn measure(options: &ServerOptions, span: &ServerSpan, info: &RequestInfo<'_>) -> Measurement {
    if info.grpc.is_some() {
        let mut attributes = Vec::with_capacity(USUAL_ATTRIBUTES);
        attributes.push(rpc::attribute::system());
        return Measurement::new(attributes);
    }
    let mut measurement = Measurement::new(Vec::new());
    let measures = http_measures(info, &info.name);
    measures.start(&options.common, &mut measurement, span.context());
    measurement
}
