//! A real server on a thread of its own, set up in one of several ways.

use std::net::SocketAddr;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use axum::Router;
use opentelemetry::trace::TracerProvider as _;
use otel_core::propagation::CompositePropagator;
use otel_testkit::{Recorder, Span, Trace};
use otel_tower::ServerLayer;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, registry};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// How the process is set up. A request must come out the same in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A subscriber with the OpenTelemetry layer.
    Tracing,
    /// The same, which leaves the context inactive when a span is entered.
    WithoutActivation,
    /// The same with its level at `off`.
    LevelOff,
    /// A subscriber that takes every span, without the OpenTelemetry layer.
    WithoutOtelLayer,
    /// No subscriber at all.
    WithoutSubscriber,
    /// The OpenTelemetry layer, and a server layer that was told not to use it.
    WithoutTracingSpan,
}

impl Mode {
    pub(crate) const ALL: [Self; 6] = [
        Self::Tracing,
        Self::WithoutActivation,
        Self::LevelOff,
        Self::WithoutOtelLayer,
        Self::WithoutSubscriber,
        Self::WithoutTracingSpan,
    ];

    fn subscriber(self, recorder: &Recorder) -> Dispatch {
        match self {
            Self::Tracing | Self::WithoutTracingSpan => Dispatch::new(recorder.subscriber()),
            Self::LevelOff => {
                Dispatch::new(registry().with(recorder.layer().with_filter(LevelFilter::OFF)))
            }
            Self::WithoutActivation => {
                let tracer = recorder.tracer_provider().tracer("test");
                let layer = tracing_opentelemetry::layer()
                    .with_tracer(tracer)
                    .with_location(false)
                    .with_threads(false)
                    .with_target(false)
                    .with_tracked_inactivity(false)
                    .with_context_activation(false);
                Dispatch::new(registry().with(layer))
            }
            Self::WithoutOtelLayer => Dispatch::new(registry()),
            Self::WithoutSubscriber => Dispatch::none(),
        }
    }
}

/// A running server; stopped when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) recorder: Recorder,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves what `app` makes of the layer.
    pub(crate) fn start(
        mode: Mode,
        app: impl FnOnce(ServerLayer) -> Router + Send + 'static,
    ) -> Self {
        Self::start_with(mode, Recorder::new(), app)
    }

    pub(crate) fn start_with(
        mode: Mode,
        recorder: Recorder,
        app: impl FnOnce(ServerLayer) -> Router + Send + 'static,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (announce, announced) = std::sync::mpsc::channel();
        let recording = recorder.clone();
        let thread = thread::spawn(move || {
            let subscriber = mode.subscriber(&recording);
            let layer = layer(mode, &recording);
            dispatcher::with_default(&subscriber, || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    announce.send(listener.local_addr().unwrap()).unwrap();
                    let serving = axum::serve(listener, app(layer));
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

fn layer(mode: Mode, recorder: &Recorder) -> ServerLayer {
    let propagator: CompositePropagator = "tracecontext,baggage".parse().unwrap();
    let layer = ServerLayer::new()
        .tracer_provider(&recorder.tracer_provider())
        .propagator(propagator);
    match mode {
        Mode::WithoutTracingSpan => layer.without_tracing_span(),
        _ => layer,
    }
}

/// Writes a test for each mode: the body sees it as `$mode`.
macro_rules! in_every_mode {
    ($(fn $name:ident($mode:ident: $type:ty) $body:block)+) => {
        $(
            #[test]
            fn $name() {
                for $mode in <$type>::ALL {
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
