//! A part of the program that panics or hangs harms no other part.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::resource::ResourceDetector;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};
use otel_setup::{Builder, Exporter};

use self::support::child::{about, in_own_process};
use self::support::{Endpoint, Mood};

fn set_up(endpoint: &Endpoint) -> Builder {
    otel_setup::builder()
        .service_name("checkout")
        .metrics_exporter(Exporter::None)
        .otlp_endpoint(endpoint.url())
}

/// Never returns from an export.
#[derive(Debug)]
struct Hanging(Mutex<mpsc::Receiver<()>>);

impl Hanging {
    fn new() -> (Self, mpsc::Sender<()>) {
        let (sender, receiver) = mpsc::channel();
        (Self(Mutex::new(receiver)), sender)
    }
}

impl SpanExporter for Hanging {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        let _ = self.0.lock().unwrap().recv();
        Ok(())
    }
}

#[test]
fn exporters_that_hang_share_one_limit_and_otlp_gets_its_spans() {
    let name = "exporters_that_hang_share_one_limit_and_otlp_gets_its_spans";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let limit = Duration::from_secs(2);
        let mut senders = Vec::new();
        let mut builder = set_up(&endpoint).flush_limit(limit);
        for _ in 0..3 {
            let (exporter, sender) = Hanging::new();
            senders.push(sender);
            builder = builder.span_exporter(exporter);
        }
        let telemetry = builder.init().unwrap();
        tracing::info_span!("flushed").in_scope(|| ());
        assert!(!telemetry.flush_blocking());
        assert_eq!(endpoint.spans(), ["flushed"]);
        tracing::info_span!("last").in_scope(|| ());
        let start = Instant::now();
        assert_eq!(telemetry.shutdown().unwrap().exported, 2);
        assert!(start.elapsed() < limit * 2, "{:?}", start.elapsed());
        assert_eq!(endpoint.spans(), ["flushed", "last"]);
    });
}

/// Panics at the first export.
#[derive(Debug)]
struct Panicking(AtomicBool);

impl SpanExporter for Panicking {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        assert!(self.0.swap(true, Ordering::Relaxed), "broken");
        Ok(())
    }
}

#[test]
fn an_exporter_that_panics_is_reported_and_exports_the_next_batch() {
    let name = "an_exporter_that_panics_is_reported_and_exports_the_next_batch";
    let lines = in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).traces_exporter(Exporter::None);
        let builder = builder.span_exporter(Panicking(AtomicBool::new(false)));
        let telemetry = builder.init().unwrap();
        tracing::info_span!("lost").in_scope(|| ());
        assert!(!telemetry.flush_blocking());
        tracing::info_span!("exported").in_scope(|| ());
        assert!(telemetry.flush_blocking());
        let counts = telemetry.shutdown().unwrap();
        assert_eq!(
            (counts.exported, counts.lost, counts.waiting),
            (1, 1, 0),
            "{counts:?}"
        );
    });
    let reports = about(&lines, "spans cannot be exported");
    assert_eq!(reports.len(), 1, "{lines:?}");
    assert!(about(&lines, "the flush limit").is_empty(), "{lines:?}");
}

/// Panics when it is flushed or shut down.
#[derive(Debug)]
struct PanickingProcessor(Arc<AtomicBool>);

impl SpanProcessor for PanickingProcessor {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        panic!("broken");
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.0.store(true, Ordering::Relaxed);
        panic!("broken");
    }
}

#[test]
fn a_span_processor_that_panics_at_the_end_costs_no_span() {
    let name = "a_span_processor_that_panics_at_the_end_costs_no_span";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let is_shut_down = Arc::new(AtomicBool::new(false));
        let processor = PanickingProcessor(Arc::clone(&is_shut_down));
        let telemetry = set_up(&endpoint).span_processor(processor).init().unwrap();
        tracing::info_span!("flushed").in_scope(|| ());
        assert!(!telemetry.flush_blocking());
        assert_eq!(endpoint.spans(), ["flushed"]);
        tracing::info_span!("last").in_scope(|| ());
        drop(telemetry);
        assert!(is_shut_down.load(Ordering::Relaxed));
        assert_eq!(endpoint.spans(), ["flushed", "last"]);
    });
}

#[derive(Debug)]
struct PanickingDetector;

impl ResourceDetector for PanickingDetector {
    fn detect(&self) -> Resource {
        panic!("broken");
    }
}

#[test]
fn a_resource_detector_that_panics_is_a_warning() {
    let name = "a_resource_detector_that_panics_is_a_warning";
    let lines = in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).resource_detector(PanickingDetector);
        drop(builder.init().unwrap());
    });
    assert_eq!(about(&lines, "a resource detector").len(), 1, "{lines:?}");
}
