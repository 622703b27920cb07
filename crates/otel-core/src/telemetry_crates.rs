//! Which events OpenTelemetry's own crates log.

/// What the names of all these crates start with.
const PREFIX: &str = "opentelemetry";
/// The rest of the names: the crates of opentelemetry-rust, and the exporters, samplers and detectors of
/// opentelemetry-rust-contrib. Instrumentations of libraries are not listed: their events belong to the application.
const REST: [&str; 20] = [
    "sdk",
    "otlp",
    "http",
    "proto",
    "stdout",
    "appender-log",
    "appender-tracing",
    "aws",
    "contrib",
    "datadog",
    "etw-logs",
    "etw-metrics",
    "jaeger-propagator",
    "prometheus",
    "propagator-b3",
    "resource-detectors",
    "stackdriver",
    "user-events-logs",
    "user-events-metrics",
    "zipkin",
];

/// Returns `true` if the target of an event is one of OpenTelemetry's own crates or a module of one.
///
/// The crate's name may be written as a package name (`opentelemetry-otlp`, which the crates' own macros use) or as a module path
/// (`opentelemetry_otlp::exporter`). An application's crate such as `opentelemetry_shop` is not one of them.
#[must_use]
#[inline]
pub fn is_own(target: &str) -> bool {
    // Asked for each event, and nearly all targets differ here.
    match target.strip_prefix(PREFIX) {
        Some(rest) => is_own_rest(rest),
        None => false,
    }
}

#[cold]
fn is_own_rest(rest: &str) -> bool {
    let name = rest.split_once("::").map_or(rest, |(name, _)| name);
    match name.strip_prefix(['-', '_']) {
        Some(name) => REST.iter().any(|own| is_same(own, name)),
        None => name.is_empty(),
    }
}

/// Compares two names of crates. Cargo takes `-` and `_` for the same character.
fn is_same(own: &str, name: &str) -> bool {
    let pairs = own.bytes().zip(name.bytes());
    own.len() == name.len()
        && pairs
            .into_iter()
            .all(|(a, b)| a == b || (a == b'-' && b == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_of_opentelemetrys_crates_are_its_own() {
        let own = [
            "opentelemetry",
            "opentelemetry::context",
            "opentelemetry_sdk",
            "opentelemetry_sdk::trace::span_processor",
            "opentelemetry-otlp",
            "opentelemetry_otlp",
            "opentelemetry_otlp::exporter::http",
            "opentelemetry-http",
            "opentelemetry_proto::transform",
            "opentelemetry-stdout",
            "opentelemetry-appender-tracing",
            "opentelemetry_appender_tracing::layer",
            "opentelemetry-jaeger-propagator",
            "opentelemetry-zipkin",
        ];
        for target in own {
            assert!(is_own(target), "{target}");
        }
        let others = [
            "",
            "open",
            "shop",
            "opentelemetry_shop",
            "opentelemetry_shop::cart",
            "opentelemetry-shop",
            "opentelemetryshop",
            "opentelemetry:shop",
            "opentelemetry_",
            "opentelemetry-",
            "opentelemetry_::sdk",
            "opentelemetry_sdk_shop",
            "opentelemetry_sdk-shop",
            "opentelemetry_otlp_proxy::upstream",
            "opentelemetry-otlpx",
            "opentelemetry_otl",
            "opentelemetry_instrumentation_tower",
            "tracing_opentelemetry",
            "shop::opentelemetry_sdk",
            "Opentelemetry_sdk",
        ];
        for target in others {
            assert!(!is_own(target), "{target}");
        }
    }
}
