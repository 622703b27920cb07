//! One line of a whole subscriber, from the event to standard output, which goes nowhere here.

#[path = "../server/setup.rs"]
mod setup;

use opentelemetry::Context;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use otel_benches::{Case, Contender};
use otel_setup::Exporter;
use tracing::level_filters::LevelFilter;
use tracing::{Span, info, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// The subscriber of the one-call set-up. Spans are not exported.
pub(crate) fn through_init() -> Vec<Case> {
    let telemetry = otel_setup::builder()
        .service_name("bench")
        .traces_exporter(Exporter::None)
        .metrics_exporter(Exporter::None)
        .init();
    // Its drop would end the telemetry before the measurement.
    std::mem::forget(telemetry.expect("the set-up is complete"));
    cases("otel_setup::init")
}

/// The same spans, and lines without ids.
pub(crate) fn through_tracing_subscriber() -> Vec<Case> {
    let lines = fmt::layer().json().with_filter(LevelFilter::INFO);
    setup::install(setup::with_sdk().with(lines));
    cases("tracing-subscriber, no ids")
}

fn cases(name: &str) -> Vec<Case> {
    vec![
        case("one line, no span", name, Span::none),
        case("one line, sampled", name, || request(TraceFlags::SAMPLED)),
        case("one line, unsampled", name, || {
            request(TraceFlags::NOT_SAMPLED)
        }),
    ]
}

fn case(name: &str, contender: &str, span: fn() -> Span) -> Case {
    Case::new(
        name,
        Contender::new("no line", span, |span| span.in_scope(|| ())),
        [Contender::new(contender, span, |span| span.in_scope(line))],
    )
}

/// As in the other cases of this bench.
fn line() {
    info!(
        item = "the \"seventh\"",
        number = 7,
        share = 0.37,
        cached = true,
        "price looked up"
    );
}

fn request(flags: TraceFlags) -> Span {
    let span = info_span!("request", method = "GET", route = "/checkout/{cart}");
    let caller = SpanContext::new(
        TraceId::from(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c),
        SpanId::from(0xb7ad_6b71_6920_3331),
        flags,
        true,
        TraceState::NONE,
    );
    span.set_parent(Context::new().with_remote_span_context(caller))
        .expect("it was never entered");
    span
}
