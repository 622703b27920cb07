//! What is installed in the process.

use std::env;
use std::process::Command;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, Span, SpanData, SpanProcessor};
use otel_core::propagation::CompositePropagator;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;

const VARIABLE: &str = "OTEL_BENCHES_SETUP";

#[derive(Clone, Copy)]
pub(crate) enum Setup {
    /// As otel-setup does it: provider, propagators, and the subscriber's OpenTelemetry layer.
    Sdk,
    /// No provider, no propagator, no subscriber.
    Nothing,
}

impl Setup {
    pub(crate) const ALL: [Self; 2] = [Self::Sdk, Self::Nothing];

    pub(crate) fn of_this_process() -> Option<Self> {
        let name = env::var(VARIABLE).ok()?;
        Self::ALL.into_iter().find(|setup| setup.name() == name)
    }

    /// Measures in a process that has this set-up.
    pub(crate) fn run(self) {
        let program = env::current_exe().expect("a running program has a path");
        let mut command = Command::new(program);
        command.args(env::args().skip(1)).env(VARIABLE, self.name());
        let status = command.status().expect("this program can be started");
        assert!(status.success(), "{status}");
        println!();
    }

    pub(crate) fn install(self) {
        match self {
            Self::Sdk => install_sdk(),
            Self::Nothing => {}
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Sdk => "sdk",
            Self::Nothing => "nothing",
        }
    }
}

fn install_sdk() {
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
        .with_span_processor(Discard)
        .build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("bench"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(LevelFilter::INFO.and(filter_fn(|metadata| metadata.is_span())));
    global::set_tracer_provider(provider);
    global::set_text_map_propagator(CompositePropagator::default());
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(spans))
        .expect("nothing else sets it");
}

/// Exporting is the same for all.
#[derive(Debug)]
struct Discard;

impl SpanProcessor for Discard {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
