//! The spans and log lines of this process, kept in memory.

mod capture;
mod context_loss;
mod recording;
mod span_layer;

use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider, ShouldSample},
};
use tracing::Subscriber;
use tracing_subscriber::{Layer, layer::SubscriberExt as _, registry::LookupSpan};

use self::{
    capture::{LineWriter, SpanCapture},
    context_loss::ContextLossCheck,
    recording::Recording,
    span_layer::SpanLayerKind,
};
use crate::{
    assertions::assert_one_trace, error::TimeoutError, log_line::LogLine, span::Span, trace::Trace,
    watched::Watched,
};

/// Records the finished spans and the log lines of this process.
///
/// Each recorder has its own tracer provider and records a span when it ends, on the thread that ends it. A recorder has no
/// exporter and no thread, and needs no flush. Tests can run in parallel if each test has its own recorder and uses the
/// recorder's subscriber or provider instead of a global one.
///
/// Clones share the recording.
///
/// # Context loss
///
/// Recorders can search a test suite for lost context: `OTEL_RUST_CONTEXT_LOSS_DETECTION=true cargo nextest run`. If this
/// variable is `true`, each recorder starts the detection of context loss (`otel_core::context_loss`). If context was lost, the
/// last clone panics when it is dropped. [`RecorderBuilder::expect_context_loss`] exempts a test.
///
/// Losses are counted per process. Run each test in its own process (nextest) or use `--test-threads=1`.
///
/// # Span layer
///
/// By default the layer of otel-tracing makes the spans of `tracing`, as under `otel_setup::init`.
/// [`RecorderBuilder::tracing_opentelemetry_layer`] chooses the layer of tracing-opentelemetry. For a test suite,
/// `OTEL_TESTKIT_SPAN_LAYER` chooses the layer of all recorders: `otel-tracing` or `tracing-opentelemetry`.
#[derive(Clone, Debug)]
pub struct Recorder {
    provider: SdkTracerProvider,
    span_layer: SpanLayerKind,
    recording: Arc<Watched<Recording>>,
    #[expect(dead_code, reason = "the check runs when it is dropped")]
    context_loss: Option<Arc<ContextLossCheck>>,
}

impl Recorder {
    /// Creates a recorder that samples everything and has no service name.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "the recorder starts a provider")]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Returns a builder for a recorder with other settings.
    pub fn builder() -> RecorderBuilder {
        RecorderBuilder {
            sampler: Box::new(Sampler::AlwaysOn),
            resource: Resource::builder_empty().build(),
            checks_context_loss: true,
            span_layer: None,
        }
    }

    /// Returns the tracer provider. Its spans are recorded.
    #[must_use]
    pub fn tracer_provider(&self) -> SdkTracerProvider {
        self.provider.clone()
    }

    /// Creates a `tracing` subscriber that records spans and log lines.
    ///
    /// The subscriber is the registry with [`layer`](Self::layer). Install it with `tracing::subscriber::set_default` for the
    /// current thread, or with `set_global_default` if the test runs in its own process.
    #[must_use]
    pub fn subscriber(&self) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync + use<> {
        tracing_subscriber::registry().with(self.layer())
    }

    /// Creates a layer that records spans and log lines: a span layer and the layer of `otel_log`.
    ///
    /// Spans of all levels and targets are recorded, with the attributes that the program sets. Events are log lines, and are not
    /// added to their spans.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        let recording = Arc::clone(&self.recording);
        self.span_layer
            .layer(&self.provider)
            .and_then(otel_log::layer().writer(move || LineWriter::new(&recording)))
    }

    /// Returns the finished spans in the order they ended.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.recording.read(|recording| recording.spans.clone())
    }

    /// Returns the traces of the finished spans. The trace that started first comes first.
    #[must_use]
    pub fn traces(&self) -> Vec<Trace> {
        Trace::group(self.spans())
    }

    /// Returns the only trace.
    ///
    /// # Panics
    ///
    /// Panics and shows all traces unless there is exactly one trace.
    #[must_use]
    #[track_caller]
    pub fn trace(&self) -> Trace {
        assert_one_trace(&self.traces()).clone()
    }

    /// Returns the log lines in the order they were written.
    ///
    /// # Panics
    ///
    /// Panics if a line is not a JSON object, which is a defect of the log layer.
    #[must_use]
    #[track_caller]
    pub fn logs(&self) -> Vec<LogLine> {
        let lines = self.recording.read(|recording| recording.lines.clone());
        lines
            .iter()
            .map(|line| match LogLine::parse(line) {
                Ok(line) => line,
                Err(error) => panic!("{error}"),
            })
            .collect()
    }

    /// Waits until the recording meets `condition`, which is evaluated now and after each new span or line.
    ///
    /// This method blocks its thread: in an async test whose runtime has one thread, no other task runs during the wait.
    ///
    /// # Errors
    ///
    /// Returns an error that shows all traces if the condition is not met within `limit`.
    pub fn wait_for(
        &self,
        mut condition: impl FnMut(&Self) -> bool,
        limit: Duration,
    ) -> Result<(), TimeoutError> {
        self.recording
            .wait(limit, || condition(self).then_some(()))
            .ok_or_else(|| TimeoutError::new(limit, &self.traces()))
    }

    /// Removes all spans and log lines.
    pub fn clear(&self) {
        self.recording
            .update(|recording| *recording = Recording::default());
    }
}

/// Builds a [`Recorder`].
#[derive(Debug)]
#[must_use = "call `build` to create the recorder"]
pub struct RecorderBuilder {
    sampler: Box<dyn ShouldSample>,
    resource: Resource,
    checks_context_loss: bool,
    span_layer: Option<SpanLayerKind>,
}

impl RecorderBuilder {
    /// Sets the sampler. The default samples everything.
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.sampler = Box::new(sampler);
        self
    }

    /// Sets the `service.name` of the resource. By default the resource has no name.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        let name: String = name.into();
        self.resource = Resource::builder_empty().with_service_name(name).build();
        self
    }

    /// Disables the search for context loss, whatever the environment says. Use it in a test that loses context on purpose.
    pub fn expect_context_loss(mut self) -> Self {
        self.checks_context_loss = false;
        self
    }

    /// Makes spans of `tracing` with the layer of tracing-opentelemetry, whatever the environment says. Default: the layer of
    /// otel-tracing.
    ///
    /// Use it if the application has the layer of tracing-opentelemetry.
    pub fn tracing_opentelemetry_layer(mut self) -> Self {
        self.span_layer = Some(SpanLayerKind::TracingOpenTelemetry);
        self
    }

    /// Builds the recorder.
    ///
    /// # Panics
    ///
    /// Panics if `OTEL_TESTKIT_SPAN_LAYER` is neither empty nor the name of a layer.
    #[must_use]
    pub fn build(self) -> Recorder {
        let recording = Arc::new(Watched::default());
        let provider = SdkTracerProvider::builder()
            .with_sampler(self.sampler)
            .with_span_processor(SpanCapture::new(&recording))
            .with_resource(self.resource)
            .build();
        let context_loss = if self.checks_context_loss {
            ContextLossCheck::from_env()
        } else {
            None
        };
        Recorder {
            provider,
            span_layer: self.span_layer.unwrap_or_else(SpanLayerKind::from_env),
            recording,
            context_loss: context_loss.map(Arc::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        thread,
    };

    use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
    use tracing::{error, info, info_span, subscriber::with_default, trace_span};

    use super::*;

    fn end_span(recorder: &Recorder, name: &'static str) {
        recorder.tracer_provider().tracer("test").start(name).end();
    }

    #[test]
    fn spans_of_tracing_form_one_trace() {
        let recorder = Recorder::builder().service("shop").build();
        with_default(recorder.subscriber(), || {
            info_span!("outer").in_scope(|| info_span!("inner").in_scope(|| {}));
        });
        let trace = recorder.trace();
        trace.assert_child_of("inner", "outer");
        assert_eq!(trace.spans().len(), 2);
        assert_eq!(trace.span("outer").unwrap().service(), Some("shop"));
        assert_eq!(trace.span("outer").unwrap().attributes(), []);
    }

    #[test]
    fn spans_of_all_levels_and_targets_are_recorded() {
        let recorders = [
            Recorder::new(),
            Recorder::builder().tracing_opentelemetry_layer().build(),
        ];
        for recorder in recorders {
            with_default(recorder.subscriber(), || {
                trace_span!(target: "h2::client", "frame", cart = 7).in_scope(|| {
                    error!("an event is a log line");
                });
            });
            let trace = recorder.trace();
            let frame = trace.span("frame").unwrap();
            assert_eq!(frame.attribute("cart"), Some(&7.into()));
            assert_eq!(frame.attributes().len(), 1);
            assert_eq!(frame.events(), []);
            assert!(!frame.is_error());
            assert_eq!(recorder.logs().len(), 1);
        }
    }

    #[test]
    fn builder_and_environment_choose_the_span_layer() {
        let layer_of = |value: Option<&str>, builder: RecorderBuilder| {
            let recorder = temp_env::with_var(span_layer::VARIABLE, value, || builder.build());
            with_default(recorder.subscriber(), || info_span!("work").in_scope(|| {}));
            recorder.spans()[0].scope().to_owned()
        };
        let by_env = |value| layer_of(value, Recorder::builder());
        for value in [None, Some(""), Some("otel-tracing")] {
            assert_eq!(by_env(value), "otel_tracing", "{value:?}");
        }
        assert_eq!(by_env(Some("tracing-opentelemetry")), "otel-testkit");
        for value in [None, Some("otel-tracing")] {
            let builder = Recorder::builder().tracing_opentelemetry_layer();
            assert_eq!(layer_of(value, builder), "otel-testkit", "{value:?}");
        }
    }

    #[test]
    #[should_panic = "OTEL_TESTKIT_SPAN_LAYER is \"tracing_opentelemetry\"; use otel-tracing or tracing-opentelemetry"]
    fn an_unknown_span_layer_is_a_failure_that_names_the_layers() {
        let value = Some("tracing_opentelemetry");
        temp_env::with_var(span_layer::VARIABLE, value, || drop(Recorder::new()));
    }

    #[test]
    fn spans_of_the_provider_are_kept_as_they_end() {
        let recorder = Recorder::new();
        let mut span = recorder.tracer_provider().tracer("test").start("work");
        assert!(recorder.spans().is_empty(), "it has not ended");
        span.end();
        let spans = recorder.spans();
        assert_eq!(spans.len(), 1);
        assert_eq!(spans[0].span_id(), span.span_context().span_id());
        assert_eq!(spans[0].scope(), "test");
        assert_eq!(spans[0].service(), None);
    }

    #[test]
    fn a_log_line_carries_the_ids_of_its_span() {
        let recorder = Recorder::new();
        with_default(recorder.subscriber(), || {
            info_span!("outer").in_scope(|| info!(pieces = 3, "sold"));
        });
        let trace = recorder.trace();
        let logs = recorder.logs();
        assert_eq!(logs.len(), 1);
        assert_eq!(logs[0].message(), "sold");
        assert_eq!(logs[0].level(), "INFO");
        assert_eq!(logs[0].target(), module_path!());
        assert_eq!(logs[0].field("pieces"), Some(&serde_json::json!(3)));
        let (trace_id, span_id) = (trace.id(), trace.spans()[0].span_id());
        assert_eq!(logs[0].trace_id(), Some(&*trace_id.to_string()));
        assert_eq!(logs[0].span_id(), Some(&*span_id.to_string()));
    }

    #[test]
    fn two_recorders_do_not_mix() {
        let (one, two) = (Recorder::new(), Recorder::new());
        thread::scope(|scope| {
            for (recorder, name) in [(&one, "one"), (&two, "two")] {
                scope.spawn(move || {
                    with_default(recorder.subscriber(), || {
                        for _ in 0..50 {
                            let _span = info_span!("work", otel.name = name).entered();
                            info!("{name}");
                        }
                    });
                });
            }
        });
        for (recorder, name) in [(&one, "one"), (&two, "two")] {
            assert_eq!(recorder.spans().len(), 50);
            assert!(recorder.spans().iter().all(|span| span.name() == name));
            assert_eq!(recorder.logs().len(), 50);
            assert!(recorder.logs().iter().all(|line| line.message() == name));
        }
    }

    #[test]
    fn the_sampler_decides_what_is_recorded() {
        let recorder = Recorder::builder().sampler(Sampler::AlwaysOff).build();
        end_span(&recorder, "unseen");
        assert!(recorder.spans().is_empty());
    }

    #[test]
    fn more_or_less_than_one_trace_is_a_failure_that_shows_them() {
        let recorder = Recorder::new();
        let failure = || {
            let panic = catch_unwind(AssertUnwindSafe(|| recorder.trace())).unwrap_err();
            panic.downcast_ref::<String>().cloned().unwrap()
        };
        assert!(failure().contains("no span was seen"), "{}", failure());
        end_span(&recorder, "first");
        end_span(&recorder, "second");
        let message = failure();
        assert!(message.contains("2 traces were seen"), "{message}");
        assert!(
            message.contains("first") && message.contains("second"),
            "{message}"
        );
    }

    #[test]
    fn waiting_ends_with_the_span_that_was_waited_for() {
        let recorder = Recorder::new();
        let other = recorder.clone();
        let worker = thread::spawn(move || end_span(&other, "late"));
        let arrived = recorder.wait_for(|r| r.spans().len() == 1, Duration::from_secs(60));
        arrived.unwrap();
        worker.join().unwrap();
        recorder.clear();
        let never = recorder.wait_for(|r| !r.spans().is_empty(), Duration::ZERO);
        assert!(never.unwrap_err().to_string().contains("no span was seen"));
    }
}
