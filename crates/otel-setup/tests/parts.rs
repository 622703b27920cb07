//! Each part of a set-up can be replaced, and the others stay.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{Span as _, SpanId, TraceId};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span as ReceivedSpan;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader as _;
use opentelemetry_sdk::metrics::{InstrumentKind, ManualReader, Stream};
use opentelemetry_sdk::resource::ResourceDetector;
use opentelemetry_sdk::trace::{
    IdGenerator, InMemorySpanExporter, Sampler, SamplingDecision, SamplingResult, ShouldSample,
    Span, SpanData, SpanProcessor,
};
use otel_setup::{Builder, Export, Exporter};
use prost::Message as _;

use self::support::child::in_own_process;
use self::support::{Endpoint, Mood, Request};

fn set_up(endpoint: &Endpoint) -> Builder {
    otel_setup::builder()
        .service_name("checkout")
        .otlp_endpoint(endpoint.url())
}

fn spans(endpoint: &Endpoint) -> Vec<ReceivedSpan> {
    let decode = |it: &Request| ExportTraceServiceRequest::decode(it.body.as_slice()).unwrap();
    let requests = endpoint.requests();
    let traces = requests.iter().filter(|it| it.path == "/v1/traces");
    let resources = traces.flat_map(|it| decode(it).resource_spans);
    let scopes = resources.flat_map(|it| it.scope_spans);
    scopes.flat_map(|it| it.spans).collect()
}

fn text(attributes: &[opentelemetry_proto::tonic::common::v1::KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|it| it.key == key);
    found.map_or_else(String::new, |it| format!("{:?}", it.value))
}

/// Adds an attribute to each span, and counts those that end.
#[derive(Debug)]
struct Stamp(Arc<AtomicU64>);

impl SpanProcessor for Stamp {
    fn on_start(&self, span: &mut Span, _: &Context) {
        span.set_attribute(KeyValue::new("stamp", "added"));
    }

    fn on_end(&self, _: SpanData) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_span_processor_sees_each_span_before_it_is_exported() {
    let name = "a_span_processor_sees_each_span_before_it_is_exported";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let ended = Arc::new(AtomicU64::new(0));
        let builder = set_up(&endpoint).span_processor(Stamp(Arc::clone(&ended)));
        let telemetry = builder.init().unwrap();
        tracing::info_span!("work", password = "hunter2").in_scope(|| ());
        assert_eq!(telemetry.shutdown().unwrap().exported, 1);
        let span = &spans(&endpoint)[0];
        assert!(text(&span.attributes, "stamp").contains("added"));
        assert!(text(&span.attributes, "password").contains("REDACTED"));
        assert_eq!(ended.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_span_exporter_gets_redacted_spans_next_to_otlp() {
    let name = "a_span_exporter_gets_redacted_spans_next_to_otlp";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let exporter = InMemorySpanExporter::default();
        let builder = set_up(&endpoint).span_exporter(exporter.clone());
        let telemetry = builder.init().unwrap();
        tracing::info_span!("work", password = "hunter2").in_scope(|| ());
        telemetry.tracer_provider().unwrap().force_flush().unwrap();
        let found = exporter.get_finished_spans().unwrap();
        assert_eq!(found.len(), 1);
        let shown = format!("{:?}", found[0].attributes);
        assert!(
            shown.contains("REDACTED") && !shown.contains("hunter2"),
            "{shown}"
        );
        assert_eq!(telemetry.shutdown().unwrap().exported, 1);
        assert_eq!(endpoint.spans(), ["work"]);
    });
}

#[test]
fn a_span_exporter_alone_is_counted() {
    in_own_process("a_span_exporter_alone_is_counted", &[], || {
        let exporter = InMemorySpanExporter::default();
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .traces_exporter(Exporter::None)
            .metrics_exporter(Exporter::None)
            .span_exporter(exporter)
            .init()
            .unwrap();
        for _ in 0..3 {
            tracing::info_span!("work").in_scope(|| ());
        }
        assert_eq!(telemetry.shutdown().unwrap().exported, 3);
    });
}

#[derive(Debug)]
struct Ids(AtomicU64);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(0xabc)
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[test]
fn ids_are_those_of_the_generator() {
    in_own_process("ids_are_those_of_the_generator", &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).id_generator(Ids(AtomicU64::new(7)));
        let telemetry = builder.init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        telemetry.shutdown();
        let span = &spans(&endpoint)[0];
        assert_eq!(span.trace_id, TraceId::from(0xabc).to_bytes());
        assert_eq!(span.span_id, SpanId::from(7).to_bytes());
    });
}

/// Records only spans of one name.
#[derive(Debug, Clone)]
struct OnlyNamed(&'static str);

impl ShouldSample for OnlyNamed {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        name: &str,
        _: &opentelemetry::trace::SpanKind,
        _: &[KeyValue],
        _: &[opentelemetry::trace::Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: if name == self.0 {
                SamplingDecision::RecordAndSample
            } else {
                SamplingDecision::Drop
            },
            attributes: Vec::new(),
            trace_state: opentelemetry::trace::TraceState::NONE,
        }
    }
}

fn with_two_spans(builder: Builder, endpoint: &Endpoint) -> Vec<String> {
    let telemetry = builder.init().unwrap();
    tracing::info_span!("wanted").in_scope(|| ());
    tracing::info_span!("other").in_scope(|| tracing::info_span!("wanted").in_scope(|| ()));
    telemetry.shutdown();
    endpoint.spans()
}

#[test]
fn a_sampler_of_any_type_decides_about_each_span() {
    let name = "a_sampler_of_any_type_decides_about_each_span";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).sampler(OnlyNamed("wanted"));
        let exported = with_two_spans(builder, &endpoint);
        assert_eq!(exported, ["wanted", "wanted"]);
    });
}

#[test]
fn the_variable_of_the_sampler_wins_over_the_program() {
    let name = "the_variable_of_the_sampler_wins_over_the_program";
    in_own_process(name, &[("OTEL_TRACES_SAMPLER", "always_on")], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).sampler(Sampler::AlwaysOff);
        assert_eq!(with_two_spans(builder, &endpoint).len(), 3);
    });
}

#[test]
fn an_override_of_the_sampler_wins_over_the_variable() {
    let name = "an_override_of_the_sampler_wins_over_the_variable";
    in_own_process(name, &[("OTEL_TRACES_SAMPLER", "always_off")], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).override_sampler(OnlyNamed("other"));
        assert_eq!(with_two_spans(builder, &endpoint), ["other"]);
    });
}

#[test]
fn listed_baggage_is_on_spans_and_lines_and_other_baggage_is_not() {
    let name = "listed_baggage_is_on_spans_and_lines_and_other_baggage_is_not";
    let lines = in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).baggage_keys(["tenant", "long", "token"]);
        let telemetry = builder.init().unwrap();
        let context = Context::current_with_baggage([
            KeyValue::new("tenant", "acme"),
            KeyValue::new("user", "ada"),
            KeyValue::new("token", "hunter2"),
            KeyValue::new("long", "é".repeat(2000)),
        ]);
        let _active = context.attach();
        tracing::info_span!("work").in_scope(|| tracing::info!("a line"));
        telemetry.shutdown();
        let span = &spans(&endpoint)[0];
        assert!(text(&span.attributes, "tenant").contains("acme"));
        assert_eq!(text(&span.attributes, "user"), "");
        assert!(text(&span.attributes, "token").contains("REDACTED"));
        let long = text(&span.attributes, "long");
        assert_eq!(long.matches('é').count(), 512);
    });
    assert_eq!(lines[0]["tenant"], "acme");
    assert_eq!(lines[0]["token"], "REDACTED");
    assert_eq!(lines[0].get("user"), None);
}

fn metrics(endpoint: &Endpoint) -> String {
    let requests = endpoint.requests();
    let request = requests.iter().find(|it| it.path == "/v1/metrics").unwrap();
    let request = ExportMetricsServiceRequest::decode(request.body.as_slice()).unwrap();
    format!("{request:?}")
}

#[test]
fn a_view_renames_an_instrument() {
    in_own_process("a_view_renames_an_instrument", &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).view(|instrument| {
            let is_orders = instrument.name() == "orders";
            is_orders.then(|| Stream::builder().with_name("renamed").build().unwrap())
        });
        let telemetry = builder.init().unwrap();
        let orders = global::meter("test").u64_counter("orders").build();
        orders.add(1, &[KeyValue::new("password", "hunter2")]);
        telemetry.shutdown();
        let metrics = metrics(&endpoint);
        assert!(
            metrics.contains("renamed") && !metrics.contains("hunter2"),
            "{metrics}"
        );
    });
}

#[test]
fn exponential_histograms_leave_those_of_a_view_alone() {
    let name = "exponential_histograms_leave_those_of_a_view_alone";
    let variable = (
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "BASE2_exponential_bucket_histogram",
    );
    in_own_process(name, &[variable], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).view(|instrument| {
            assert_ne!(instrument.kind(), InstrumentKind::Gauge);
            let is_viewed = instrument.name() == "viewed";
            is_viewed.then(|| Stream::builder().with_name("as_viewed").build().unwrap())
        });
        let telemetry = builder.init().unwrap();
        for name in ["plain", "viewed"] {
            let histogram = global::meter("test").f64_histogram(name).build();
            histogram.record(1.5, &[]);
        }
        telemetry.shutdown();
        let metrics = metrics(&endpoint);
        assert_eq!(
            metrics.matches("ExponentialHistogram(").count(),
            1,
            "{metrics}"
        );
        assert_eq!(metrics.matches("as_viewed").count(), 1, "{metrics}");
        assert!(!metrics.contains("\"viewed\""), "{metrics}");
    });
}

/// A reader that the test keeps a handle of.
#[derive(Debug, Clone)]
struct SharedReader(Arc<ManualReader>);

impl opentelemetry_sdk::metrics::reader::MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: std::sync::Weak<opentelemetry_sdk::metrics::Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> opentelemetry_sdk::metrics::Temporality {
        self.0.temporality(kind)
    }
}

#[test]
fn a_metric_reader_reads_without_an_exporter() {
    in_own_process("a_metric_reader_reads_without_an_exporter", &[], || {
        let reader = SharedReader(Arc::new(ManualReader::builder().build()));
        let _telemetry = otel_setup::builder()
            .service_name("checkout")
            .traces_exporter(Exporter::None)
            .metrics_exporter(Exporter::None)
            .metric_reader(reader.clone())
            .init()
            .unwrap();
        let orders = global::meter("test").u64_counter("orders").build();
        orders.add(3, &[]);
        let mut metrics = ResourceMetrics::default();
        reader.collect(&mut metrics).unwrap();
        let metrics = format!("{metrics:?}");
        assert!(
            metrics.contains("orders") && metrics.contains("checkout"),
            "{metrics}"
        );
    });
}

#[derive(Debug)]
struct Zone;

impl ResourceDetector for Zone {
    fn detect(&self) -> Resource {
        let zone = KeyValue::new("cloud.availability_zone", "b");
        Resource::builder_empty().with_attributes([zone]).build()
    }
}

#[test]
fn a_detector_adds_to_the_resource() {
    in_own_process("a_detector_adds_to_the_resource", &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = set_up(&endpoint).resource_detector(Zone).init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        telemetry.shutdown();
        let requests = endpoint.requests();
        let traces = requests.iter().find(|it| it.path == "/v1/traces").unwrap();
        let traces = ExportTraceServiceRequest::decode(traces.body.as_slice()).unwrap();
        let resource = traces.resource_spans[0].resource.clone().unwrap();
        for key in ["cloud.availability_zone", "service.instance.id", "os.type"] {
            assert_ne!(text(&resource.attributes, key), "", "{key}");
        }
    });
}

#[test]
fn each_signal_has_an_export_of_its_own() {
    in_own_process("each_signal_has_an_export_of_its_own", &[], || {
        let (traces, metrics) = (Endpoint::start(Mood::Fine), Endpoint::start(Mood::Fine));
        let telemetry = otel_setup::builder()
            .service_name("checkout")
            .export(
                Export::new()
                    .endpoint(metrics.url())
                    .header("tenant", "all"),
            )
            .traces_export(
                Export::new()
                    .endpoint(format!("{}/in", traces.url()))
                    .header("tenant", "traces")
                    .max_queue_size(6)
                    .max_export_batch_size(2),
            )
            .init()
            .unwrap();
        for _ in 0..6 {
            tracing::info_span!("work").in_scope(|| ());
        }
        global::meter("test")
            .u64_counter("orders")
            .build()
            .add(1, &[]);
        assert_eq!(telemetry.shutdown().unwrap().exported, 6);
        let requests = traces.requests();
        assert!(requests.len() >= 3);
        for request in requests {
            assert_eq!(request.path, "/in");
            assert_eq!(request.headers["tenant"], "traces");
            assert!(request.span_names().len() <= 2);
        }
        let requests = metrics.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].path, "/v1/metrics");
        assert_eq!(requests[0].headers["tenant"], "all");
    });
}

#[test]
fn the_delay_of_all_signals_is_also_that_of_metrics() {
    let name = "the_delay_of_all_signals_is_also_that_of_metrics";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let export = Export::new()
            .endpoint(endpoint.url())
            .schedule_delay(Duration::from_millis(20));
        let builder = otel_setup::builder().service_name("checkout");
        let _telemetry = builder.export(export).init().unwrap();
        let orders = global::meter("test").u64_counter("orders").build();
        orders.add(1, &[]);
        // By default after 60 seconds.
        endpoint.wait_for(|requests| requests.iter().any(|it| it.path == "/v1/metrics"));
    });
}

#[test]
fn the_program_can_disable_the_sdk() {
    let lines = in_own_process("the_program_can_disable_the_sdk", &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = set_up(&endpoint).sdk_disabled(true).init().unwrap();
        tracing::info_span!("work").in_scope(|| tracing::info!("a line"));
        assert!(telemetry.tracer_provider().is_none());
        telemetry.shutdown();
        assert_eq!(endpoint.requests().len(), 0);
    });
    assert_eq!(lines[0]["message"], "a line");
}

#[test]
fn the_environment_enables_an_sdk_that_the_program_disables() {
    let name = "the_environment_enables_an_sdk_that_the_program_disables";
    in_own_process(name, &[("OTEL_SDK_DISABLED", "false")], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = set_up(&endpoint).sdk_disabled(true).init().unwrap();
        tracing::info_span!("work").in_scope(|| ());
        telemetry.shutdown();
        assert_eq!(endpoint.spans(), ["work"]);
    });
}

#[test]
fn an_override_of_a_variable_wins_over_the_environment() {
    let name = "an_override_of_a_variable_wins_over_the_environment";
    let variables = [("OTEL_TRACES_SAMPLER", "always_off")];
    in_own_process(name, &variables, || {
        let endpoint = Endpoint::start(Mood::Fine);
        let builder = set_up(&endpoint).override_variable("OTEL_TRACES_SAMPLER", "always_on");
        assert_eq!(with_two_spans(builder, &endpoint).len(), 3);
    });
}

/// A layer that collects the messages of events, as a layer for error reports does.
struct Collect(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Collect {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        self.0
            .lock()
            .unwrap()
            .push(event.metadata().target().to_owned());
    }
}

#[test]
fn a_layer_of_the_program_sees_events_and_the_others_stay() {
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::filter::LevelFilter;

    let name = "a_layer_of_the_program_sees_events_and_the_others_stay";
    let lines = in_own_process(name, &[("RUST_LOG", "warn")], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let (all, errors) = (Arc::default(), Arc::default());
        let telemetry = set_up(&endpoint)
            .layer(Collect(Arc::clone(&all)))
            .layer(Collect(Arc::clone(&errors)).with_filter(LevelFilter::ERROR))
            .init()
            .unwrap();
        tracing::info_span!("work").in_scope(|| {
            tracing::debug!(target: "app", "for one layer");
            tracing::error!(target: "app", "for all");
        });
        telemetry.shutdown();
        let of_app = |targets: &Mutex<Vec<String>>| {
            let targets = targets.lock().unwrap();
            targets.iter().filter(|it| *it == "app").count()
        };
        assert_eq!((of_app(&all), of_app(&errors)), (2, 1));
        assert_eq!(endpoint.spans(), ["work"]);
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["message"], "for all");
    assert!(lines[0]["trace_id"].is_string());
}
