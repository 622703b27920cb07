//! Warnings about traces that lack a part for a reason that nothing else reports. Each is written once per process.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, StatusCode};
use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt as _;
use otel_core::propagation::CompositePropagator;
use otel_core::propagator::PropagatorChoice;
use otel_core::{RequestHead, deliberate};

use super::options::ServerOptions;
use super::past_filters;
use crate::callback;

/// The version of opentelemetry whose contexts and providers are found.
const OPENTELEMETRY: &str = "0.33";
/// The version of tracing-opentelemetry for that.
const TRACING_OPENTELEMETRY: &str = "0.34";

/// The headers that show that the caller has sent a context.
const CONTEXT_HEADERS: [&str; 3] = ["traceparent", "b3", "x-b3-traceid"];

/// A propagator is set, or its absence was reported.
static IS_PROPAGATION_SETTLED: AtomicBool = AtomicBool::new(false);
/// A SERVER span was opened as a `tracing` span.
static HAS_TRACED: AtomicBool = AtomicBool::new(false);

/// Notes that a SERVER span was opened. If later requests have none, the provider was shut down.
#[inline]
pub(super) fn set_traced() {
    if !HAS_TRACED.load(Ordering::Relaxed) {
        HAS_TRACED.store(true, Ordering::Relaxed);
    }
}

/// Warns if a request carries a context and no propagator is set that could read it.
#[inline]
pub(super) fn check_propagator(options: &ServerOptions, head: &RequestHead<'_>) {
    // A propagator that is given to one layer says nothing about the other layers.
    if !IS_PROPAGATION_SETTLED.load(Ordering::Relaxed) && !options.common.propagator.is_given() {
        look_for_propagator(options, head);
    }
}

#[cold]
fn look_for_propagator(options: &ServerOptions, head: &RequestHead<'_>) {
    let propagator = &options.common.propagator;
    if deliberate::is_propagation_chosen() || propagator.with(|it| it.fields().next().is_some()) {
        IS_PROPAGATION_SETTLED.store(true, Ordering::Relaxed);
        return;
    }
    let Some(header) = context_header(head.headers()) else {
        return;
    };
    if !would_adopt(options, head) || IS_PROPAGATION_SETTLED.swap(true, Ordering::Relaxed) {
        return;
    }
    tracing::warn!(
        name: "no_propagator",
        { event.name = "no_propagator" },
        "a request carries `{header}`, but no propagator is set, so the request starts a new trace. Set one with \
         `opentelemetry::global::set_text_map_propagator` or `ServerLayer::propagator`; see \
         docs/troubleshooting.md#no_propagator"
    );
}

fn context_header(headers: &HeaderMap) -> Option<&'static str> {
    CONTEXT_HEADERS
        .into_iter()
        .find(|name| headers.contains_key(*name))
}

/// Returns `true` if the trust policy would continue the caller's trace or link to it, with a propagator for all formats.
fn would_adopt(options: &ServerOptions, head: &RequestHead<'_>) -> bool {
    let Ok(all) = "tracecontext,b3,baggage".parse::<CompositePropagator>() else {
        return false;
    };
    let all = PropagatorChoice::from_propagator(all);
    let admitted = callback::call("trust", || options.trust.admit(&all, &Context::new(), head));
    admitted.is_some_and(|it| it.context().has_active_span() || it.link().is_some())
}

/// Warns that a filter hides the SERVER spans from the layer of tracing-opentelemetry, if the subscriber has that layer.
///
/// The filter hides warnings of this crate as well, so the warning passes it.
#[cold]
pub(super) fn warn_of_hidden_span(name: &str, is_layer_known: bool) {
    static ONCE: Once = Once::new();
    if deliberate::are_traces_off() {
        return;
    }
    ONCE.call_once(|| {
        if is_layer_known || past_filters::has_otel_layer() {
            past_filters::warn(&format_args!(
                "no SERVER span is opened: a filter hides the target `{name}` from the layer of tracing-opentelemetry, and \
                 no global tracer provider is set. Call `opentelemetry::global::set_tracer_provider`, or add `{name}=info` \
                 to the filter, for example in RUST_LOG; see docs/troubleshooting.md#server_span_hidden"
            ));
        }
    });
}

/// Warns that neither a span layer nor a provider was found, although a subscriber enables the `tracing` span of a request.
#[cold]
pub(super) fn warn_of_missing_provider(name: &str) {
    static ONCE: Once = Once::new();
    if deliberate::are_traces_off() || HAS_TRACED.load(Ordering::Relaxed) {
        return;
    }
    ONCE.call_once(|| {
        tracing::warn!(
            name: "no_tracer_provider",
            { event.name = "no_tracer_provider" },
            "requests have a `tracing` span of the target `{name}`, but no OpenTelemetry span: neither a global tracer \
             provider of opentelemetry {OPENTELEMETRY} is set, nor does the subscriber have a layer of otel-tracing or of \
             tracing-opentelemetry {TRACING_OPENTELEMETRY} with a tracer. If the application uses another version, \
             `cargo tree -i opentelemetry` shows it; see docs/troubleshooting.md#no_tracer_provider"
        );
    });
}

/// Warns that a layer does not know the route of a request that was answered.
#[cold]
pub(super) fn warn_of_missing_route(status: StatusCode) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            name: "no_route",
            { event.name = "no_route" },
            "a request was answered with {status}, and its route is not known, so its span is named only by the method and \
             has no `http.route`. If the service has routes, add `otel_tower::RouteLayer` to the router or to the nested \
             service, or set `ServerLayer::route`; see docs/troubleshooting.md#no_route"
        );
    });
}

/// Warns that two server layers have received the same request.
#[cold]
pub(super) fn warn_of_second_layer(name: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            name: "two_layers",
            { event.name = "two_layers" },
            "a request has passed two server layers. The inner layer, of `{name}`, does nothing: remove one of the two; \
             see docs/troubleshooting.md#two_layers"
        );
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_names_the_versions_of_the_workspace() {
        let manifest = include_str!("../../../../Cargo.toml");
        for (name, version) in [
            ("opentelemetry", OPENTELEMETRY),
            ("tracing-opentelemetry", TRACING_OPENTELEMETRY),
        ] {
            let start = format!("{name} = {{ version = \"{version}.");
            assert!(
                manifest.lines().any(|line| line.starts_with(&start)),
                "{start}"
            );
        }
    }
}
