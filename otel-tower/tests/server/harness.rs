//! A real server on a thread of its own, set up in one of several ways.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};

use axum::Router;
use opentelemetry::Value;
use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry_sdk::trace::Sampler;
use otel_core::propagation::CompositePropagator;
use otel_testkit::{Recorder, RecorderBuilder, Span, Trace};
use otel_tower::ServerLayer;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, registry};

use crate::meters::{LIMIT, Meters};

/// How the process is set up. A request must have the same result in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A subscriber with the span layer of the test run.
    Tracing,
    /// A subscriber with tracing-opentelemetry's layer.
    TracingOpenTelemetry,
    /// The same, which leaves the context inactive when a span is entered.
    WithoutActivation,
    /// A subscriber with the span layer of the test run, whose level is `off`.
    LevelOff,
    /// A subscriber that takes every span, without the OpenTelemetry layer.
    WithoutOtelLayer,
    /// No subscriber at all.
    WithoutSubscriber,
    /// The OpenTelemetry layer, and a server layer with `without_tracing_span`.
    WithoutTracingSpan,
    /// No subscriber and no tracer provider. Metrics only: the incoming context is sent on unchanged.
    WithoutSdk,
    /// The span layer of the test run, and a sampler that samples nothing.
    Unsampled,
    /// Neither a subscriber nor a provider of any kind.
    Nothing,
}

impl Mode {
    /// All of them, in this order: those with a span, one with metrics only, and two that record nothing.
    pub(crate) const ALL: &'static [Self] = &[
        Self::Tracing,
        Self::TracingOpenTelemetry,
        Self::WithoutActivation,
        Self::LevelOff,
        Self::WithoutOtelLayer,
        Self::WithoutSubscriber,
        Self::WithoutTracingSpan,
        Self::WithoutSdk,
        Self::Unsampled,
        Self::Nothing,
    ];

    /// In each of these the SERVER span is recorded, and is the same.
    pub(crate) const TRACED: &'static [Self] = Self::ALL.split_at(7).0;

    /// In each of these a request ends once and is measured.
    pub(crate) const MEASURED: &'static [Self] = Self::ALL.split_at(8).0;

    fn subscriber(self, recorder: &Recorder) -> Dispatch {
        match self {
            Self::Tracing | Self::WithoutTracingSpan | Self::Unsampled => {
                // As otel-setup has it; h2 traces itself below.
                let layer = recorder.layer().with_filter(LevelFilter::INFO);
                Dispatch::new(registry().with(layer))
            }
            Self::LevelOff => {
                Dispatch::new(registry().with(recorder.layer().with_filter(LevelFilter::OFF)))
            }
            Self::TracingOpenTelemetry | Self::WithoutActivation => {
                let tracer = recorder.tracer_provider().tracer("test");
                let layer = tracing_opentelemetry::layer()
                    .with_tracer(tracer)
                    .with_location(false)
                    .with_threads(false)
                    .with_target(false)
                    .with_tracked_inactivity(false)
                    .with_context_activation(self == Self::TracingOpenTelemetry);
                Dispatch::new(registry().with(layer.with_filter(LevelFilter::INFO)))
            }
            Self::WithoutOtelLayer => Dispatch::new(registry()),
            Self::WithoutSubscriber | Self::WithoutSdk | Self::Nothing => Dispatch::none(),
        }
    }
}

/// A running server; stopped when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) recorder: Recorder,
    pub(crate) meters: Meters,
    mode: Mode,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves what `app` makes of the layer.
    pub(crate) fn start(
        mode: Mode,
        app: impl FnOnce(ServerLayer) -> Router + Send + 'static,
    ) -> Self {
        Self::start_with(mode, recorder(mode).build(), app)
    }

    /// Serves requests that the detection of context loss reports, rightly.
    pub(crate) fn start_expecting_loss(
        mode: Mode,
        app: impl FnOnce(ServerLayer) -> Router + Send + 'static,
    ) -> Self {
        Self::start_with(mode, recorder(mode).expect_context_loss().build(), app)
    }

    pub(crate) fn start_with(
        mode: Mode,
        recorder: Recorder,
        app: impl FnOnce(ServerLayer) -> Router + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (announce, announced) = std::sync::mpsc::channel();
        let recording = recorder.clone();
        let meters = Meters::new();
        let measuring = meters.clone();
        let thread = thread::spawn(move || {
            let subscriber = mode.subscriber(&recording);
            let mut layer = layer(mode, &recording).active_requests();
            if mode != Mode::Nothing {
                layer = layer.meter_provider(&measuring.provider);
            }
            dispatcher::with_default(&subscriber, || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    announce.send(listener.local_addr().unwrap()).unwrap();
                    let app = app(layer).into_make_service_with_connect_info::<SocketAddr>();
                    let serving = axum::serve(listener, app);
                    tokio::select! {
                        served = serving => served.unwrap(),
                        _ = stopped => {}
                    }
                });
            });
        });
        Self {
            address: announced.recv_timeout(LIMIT).unwrap(),
            recorder,
            meters,
            mode,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Waits until this many spans have ended and returns their one trace.
    #[track_caller]
    pub(crate) fn trace(&self, spans: usize) -> Trace {
        self.recorder
            .wait_for(|recorder| recorder.spans().len() >= spans, LIMIT)
            .unwrap();
        self.recorder.trace()
    }

    /// Waits for the end of the only request and asserts how it ended, on the metric and on the span: its status code,
    /// the marks of an error, a duration, and that no request is active any more. Without an SDK there is no span.
    #[track_caller]
    pub(crate) fn assert_ended(
        &self,
        status: Option<i64>,
        error_type: Option<&str>,
    ) -> Option<Span> {
        let points = self.meters.wait_for("http.server.request.duration", 1);
        let point = &points[0];
        let of = |key: &str| point.attributes.get(key).cloned();
        assert_eq!(of(STATUS_CODE), status.map(Value::I64), "{point:?}");
        let error = error_type.map(|it| Value::from(it.to_owned()));
        assert_eq!(of("error.type"), error, "{point:?}");
        if self.mode == Mode::WithoutSdk {
            assert_eq!(self.recorder.spans(), []);
            return None;
        }
        let span = self.span();
        assert_marks(&span, status, error_type);
        let difference = (point.sum - span.duration().as_secs_f64()).abs();
        // A busy machine may stop the thread between the two ends.
        assert!(difference < 0.5, "{point:?} but {:?}", span.duration());
        Some(span)
    }

    /// Waits for the SERVER span of the only request.
    #[track_caller]
    pub(crate) fn span(&self) -> Span {
        let trace = self.trace(1);
        assert_eq!(trace.spans().len(), 1, "{trace}");
        trace.spans()[0].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || thread::panicking(),
                "the server's thread panicked"
            );
        }
    }
}

const STATUS_CODE: &str = "http.response.status_code";

/// Asserts status code and the marks of an error, or that there are none, and that no attribute is there twice, as the
/// SDK keeps one that is set twice.
#[track_caller]
pub(crate) fn assert_marks(span: &Span, status: Option<i64>, error_type: Option<&str>) {
    let code = status.map(Value::I64);
    assert_eq!(span.attribute(STATUS_CODE), code.as_ref(), "{span:?}");
    let error = error_type.map(|it| Value::from(it.to_owned()));
    assert_eq!(span.attribute("error.type"), error.as_ref(), "{span:?}");
    let marked = error_type.map_or(Status::Unset, |_| Status::error(""));
    assert_eq!(span.status(), &marked, "{span:?}");
    let mut keys: Vec<_> = span.attributes().iter().map(|it| it.key.as_str()).collect();
    keys.sort_unstable();
    let all = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), all, "{span:?}");
}

fn recorder(mode: Mode) -> RecorderBuilder {
    Recorder::builder().sampler(match mode {
        Mode::Unsampled => Sampler::AlwaysOff,
        _ => Sampler::AlwaysOn,
    })
}

fn layer(mode: Mode, recorder: &Recorder) -> ServerLayer {
    let propagator: CompositePropagator = "tracecontext,baggage".parse().unwrap();
    let layer = ServerLayer::new().propagator(propagator);
    match mode {
        // No test of this process sets the global provider.
        Mode::WithoutSdk | Mode::Nothing => layer,
        Mode::WithoutTracingSpan => layer
            .tracer_provider(&recorder.tracer_provider())
            .without_tracing_span(),
        _ => layer.tracer_provider(&recorder.tracer_provider()),
    }
}

/// Writes a test that runs in each of the modes: the body sees it as `$mode`.
macro_rules! in_every_mode {
    ($modes:ident: $(fn $name:ident($mode:ident: $type:ty) $body:block)+) => {
        $(
            #[test]
            fn $name() {
                for &$mode in <$type>::$modes {
                    // Names the mode where the body fails.
                    let watch = $crate::harness::NameOnPanic($mode);
                    $body
                    drop(watch);
                }
            }
        )+
    };
}
pub(crate) use in_every_mode;

pub(crate) struct NameOnPanic(pub(crate) Mode);

impl Drop for NameOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("in mode {:?}", self.0);
        }
    }
}
