//! What this process traces and logs, kept in memory.

mod capture;
mod detection;

use std::{sync::Arc, time::Duration};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider, ShouldSample},
};
use tracing::Subscriber;
use tracing_subscriber::{
    Layer, filter::filter_fn, layer::SubscriberExt as _, registry::LookupSpan,
};

use self::capture::{LineWriter, SpanCapture};
use self::detection::Detection;
use crate::{
    assertions::assert_one_trace,
    log_line::LogLine,
    span::Span,
    trace::Trace,
    watched::{TimedOut, Watched},
};

/// Records the finished spans and the log lines of this process.
///
/// Each recorder has a tracer provider of its own and stores a span at the moment it ends, on the thread that ends it;
/// there is no exporter, no thread and nothing to flush. Tests that run in parallel do not mix as long as each has its
/// own recorder and uses its subscriber or provider instead of a global one.
///
/// Clones share the recording.
///
/// Where the variable `OTEL_RUST_CONTEXT_LOSS_DETECTION` is `true`, as in
/// `OTEL_RUST_CONTEXT_LOSS_DETECTION=true cargo nextest run`, every recorder turns on the detection of context loss
/// (`otel_core::context_loss`), and its last clone panics when it is dropped after a loss: so a whole suite of tests is searched.
/// Losses are counted in a process, so each test needs one of its own, or its turn (`--test-threads=1`).
/// [`RecorderBuilder::expect_context_loss`] takes a test out of that.
#[derive(Clone, Debug)]
pub struct Recorder {
    provider: SdkTracerProvider,
    recording: Arc<Watched<Recording>>,
    #[expect(dead_code, reason = "it looks when it is dropped")]
    detection: Option<Arc<Detection>>,
}

impl Recorder {
    /// Creates a recorder that samples everything and whose spans name no service.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it starts a provider")]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Creates a builder for a recorder with other settings.
    pub fn builder() -> RecorderBuilder {
        RecorderBuilder {
            sampler: Box::new(Sampler::AlwaysOn),
            resource: Resource::builder_empty().build(),
            detects: true,
        }
    }

    /// Returns the tracer provider whose spans are recorded.
    #[must_use]
    pub fn tracer_provider(&self) -> SdkTracerProvider {
        self.provider.clone()
    }

    /// Creates a `tracing` subscriber that records spans and log lines.
    ///
    /// It is the registry with [`layer`](Self::layer); install it with `tracing::subscriber::set_default` for the
    /// current thread, or with `set_global_default` where the test has its process to itself.
    #[must_use]
    pub fn subscriber(&self) -> impl Subscriber + for<'a> LookupSpan<'a> + Send + Sync + use<> {
        tracing_subscriber::registry().with(self.layer())
    }

    /// Creates a layer that records spans and log lines: the OpenTelemetry layer and `otel_log`'s.
    #[must_use]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("otel-testkit"))
            // As `otel_setup` has it: the attributes of a span are what the program gave it, and events are log lines.
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(|metadata| metadata.is_span()))
            .and_then(otel_log::layer().writer(LineWriter::new(&self.recording)))
    }

    /// Returns the finished spans in the order they ended.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        self.recording.read(|recording| recording.spans.clone())
    }

    /// Returns the traces of the finished spans; the one that started first comes first.
    #[must_use]
    pub fn traces(&self) -> Vec<Trace> {
        Trace::group(self.spans())
    }

    /// Returns the one trace there is.
    ///
    /// # Panics
    ///
    /// Panics if there is not exactly one, with the pictures of all.
    #[must_use]
    #[track_caller]
    pub fn trace(&self) -> Trace {
        assert_one_trace(&self.traces()).clone()
    }

    /// Returns the log lines in the order they were written.
    ///
    /// # Panics
    ///
    /// Panics if a line is not a JSON object, which would be a defect of the log layer.
    #[must_use]
    #[track_caller]
    pub fn logs(&self) -> Vec<LogLine> {
        let lines = self.recording.read(|recording| recording.lines.clone());
        let parse = |line: &String| match LogLine::parse(line) {
            Ok(line) => line,
            Err(error) => panic!("{error}"),
        };
        lines.iter().map(parse).collect()
    }

    /// Waits until `condition` holds; it is asked now and after each new span or line.
    ///
    /// The thread is blocked meanwhile: in an async test whose runtime has one thread, nothing else runs.
    ///
    /// # Errors
    ///
    /// Returns an error with the pictures of all traces if it does not hold within `limit`.
    pub fn wait_for(
        &self,
        mut condition: impl FnMut(&Self) -> bool,
        limit: Duration,
    ) -> Result<(), TimedOut> {
        self.recording
            .wait(limit, || condition(self).then_some(()))
            .ok_or_else(|| TimedOut::new(limit, &self.traces()))
    }

    /// Forgets all spans and lines.
    pub fn clear(&self) {
        self.recording
            .update(|recording| *recording = Recording::default());
    }
}

/// Builds a [`Recorder`].
#[derive(Debug)]
#[must_use = "call `build` to make the recorder"]
pub struct RecorderBuilder {
    sampler: Box<dyn ShouldSample>,
    resource: Resource,
    detects: bool,
}

impl RecorderBuilder {
    /// Sets the sampler; the default samples everything.
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.sampler = Box::new(sampler);
        self
    }

    /// Sets the `service.name` of the resource; the default is none.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        let name: String = name.into();
        self.resource = Resource::builder_empty().with_service_name(name).build();
        self
    }

    /// Leaves the detection of context loss alone, whatever the environment says: for a test that loses context on purpose.
    pub fn expect_context_loss(mut self) -> Self {
        self.detects = false;
        self
    }

    /// Builds the recorder.
    #[must_use]
    pub fn build(self) -> Recorder {
        let recording = Arc::new(Watched::default());
        let provider = SdkTracerProvider::builder()
            .with_sampler(self.sampler)
            .with_span_processor(SpanCapture::new(&recording))
            .with_resource(self.resource)
            .build();
        let detection = self.detects.then(Detection::begin).flatten();
        Recorder {
            provider,
            recording,
            detection: detection.map(Arc::new),
        }
    }
}

/// What has been recorded so far.
#[derive(Debug, Default)]
struct Recording {
    spans: Vec<Span>,
    lines: Vec<String>,
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        thread,
    };

    use opentelemetry::trace::{Span as _, Tracer as _};
    use tracing::{info, info_span, subscriber::with_default};

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
