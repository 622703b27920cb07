//! Each boundary between tasks and threads, without and with propagation, and the trace that results.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::mpsc;
use std::thread;

use opentelemetry::trace::{SpanId, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider, SpanData};
use otel_core::task::{Carried, carry, in_context};
use tracing::dispatcher::{self, Dispatch};
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;

use self::support::span_layer;

/// A program that creates spans in one of the ways of `Kind`, and the spans that it exported.
struct Program {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    /// `tracing` spans, whose layer also attaches the OpenTelemetry context: the span layer of the test run.
    Tracing,
    /// `tracing` spans only, of tracing-opentelemetry.
    TracingWithoutActivation,
    /// OpenTelemetry spans, no subscriber.
    OpenTelemetry,
    /// OpenTelemetry spans, with a subscriber that does not see them.
    OpenTelemetryBesideTracing,
}

const KINDS: [Kind; 4] = [
    Kind::Tracing,
    Kind::TracingWithoutActivation,
    Kind::OpenTelemetry,
    Kind::OpenTelemetryBesideTracing,
];

/// How work on another thread opens its span.
#[derive(Clone)]
enum Opener {
    Tracing,
    OpenTelemetry(SdkTracer),
}

impl Opener {
    fn child(&self) {
        match self {
            Self::Tracing => info_span!("child").in_scope(|| ()),
            Self::OpenTelemetry(tracer) => tracer.in_span("child", |_| ()),
        }
    }
}

impl Program {
    fn new(kind: Kind) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(exporter.clone())
            .build();
        Self {
            exporter,
            tracer: provider.tracer("test"),
            provider,
            kind,
        }
    }

    fn subscriber(&self) -> Option<Dispatch> {
        let registry = tracing_subscriber::registry();
        match self.kind {
            Kind::Tracing => Some(Dispatch::new(registry.with(span_layer(&self.provider)))),
            Kind::TracingWithoutActivation => {
                let layer = tracing_opentelemetry::layer()
                    .with_tracer(self.tracer.clone())
                    .with_context_activation(false);
                Some(Dispatch::new(registry.with(layer)))
            }
            Kind::OpenTelemetry => None,
            Kind::OpenTelemetryBesideTracing => Some(Dispatch::new(registry)),
        }
    }

    fn opener(&self) -> Opener {
        match self.kind {
            Kind::Tracing | Kind::TracingWithoutActivation => Opener::Tracing,
            Kind::OpenTelemetry | Kind::OpenTelemetryBesideTracing => {
                Opener::OpenTelemetry(self.tracer.clone())
            }
        }
    }

    /// Runs `work` inside a span named `parent`, under this program's subscriber.
    fn in_parent(&self, work: impl FnOnce(Opener)) {
        let opener = self.opener();
        let in_span = || match &opener {
            Opener::Tracing => info_span!("parent").in_scope(|| work(opener.clone())),
            Opener::OpenTelemetry(tracer) => tracer.in_span("parent", |_| work(opener.clone())),
        };
        match self.subscriber() {
            Some(subscriber) => dispatcher::with_default(&subscriber, in_span),
            None => in_span(),
        }
    }

    fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }

    fn find(&self, name: &str) -> Option<SpanData> {
        self.spans().into_iter().find(|span| span.name == name)
    }

    #[track_caller]
    fn assert_orphan(&self, boundary: &str) {
        let kind = self.kind;
        assert!(self.find("parent").is_some(), "{boundary}, {kind:?}");
        match self.find("child") {
            // A thread without the scoped subscriber creates no span.
            None => assert_eq!(self.opener_name(), "tracing", "{boundary}, {kind:?}"),
            Some(child) => {
                let parent = child.parent_span_id;
                assert_eq!(parent, SpanId::INVALID, "{boundary}, {kind:?}");
            }
        }
    }

    #[track_caller]
    fn assert_child(&self, boundary: &str) {
        let kind = self.kind;
        let parent = self.find("parent").expect(boundary).span_context;
        let child = self.find("child").expect(boundary);
        let actual = (child.span_context.trace_id(), child.parent_span_id);
        let expected = (parent.trace_id(), parent.span_id());
        assert_eq!(actual, expected, "{boundary}, {kind:?}");
    }

    fn opener_name(&self) -> &'static str {
        match self.opener() {
            Opener::Tracing => "tracing",
            Opener::OpenTelemetry(_) => "opentelemetry",
        }
    }
}

/// Checks one boundary for every kind of program: `broken` creates an orphan, `mended` a child.
#[track_caller]
fn check(boundary: &str, broken: impl Fn(Opener), mended: impl Fn(Opener)) {
    for kind in KINDS {
        let program = Program::new(kind);
        program.in_parent(&broken);
        program.assert_orphan(boundary);

        let program = Program::new(kind);
        program.in_parent(&mended);
        program.assert_child(boundary);
    }
}

/// Returns a runtime whose worker is not the caller's thread.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap()
}

#[test]
fn tokio_spawn() {
    let runtime = runtime();
    let finish = |task: tokio::task::JoinHandle<()>| runtime.block_on(task).unwrap();
    check(
        "tokio::spawn",
        |opener| finish(runtime.spawn(async move { opener.child() })),
        |opener| finish(runtime.spawn(in_context(async move { opener.child() }))),
    );
}

#[test]
fn tokio_spawn_with_waiting_between_the_polls() {
    let runtime = runtime();
    check(
        "tokio::spawn, second poll",
        |opener| {
            let (wake, woken) = tokio::sync::oneshot::channel::<()>();
            let task = runtime.spawn(async move {
                woken.await.unwrap();
                opener.child();
            });
            wake.send(()).unwrap();
            runtime.block_on(task).unwrap();
        },
        |opener| {
            let (wake, woken) = tokio::sync::oneshot::channel::<()>();
            let task = runtime.spawn(in_context(async move {
                woken.await.unwrap();
                opener.child();
            }));
            wake.send(()).unwrap();
            runtime.block_on(task).unwrap();
        },
    );
}

#[test]
fn tokio_spawn_blocking() {
    let runtime = runtime();
    let finish = |task: tokio::task::JoinHandle<()>| runtime.block_on(task).unwrap();
    check(
        "spawn_blocking",
        |opener| finish(runtime.spawn_blocking(move || opener.child())),
        |opener| finish(runtime.spawn_blocking(carry(move || opener.child()))),
    );
}

#[test]
fn std_thread() {
    check(
        "std::thread",
        |opener| thread::spawn(move || opener.child()).join().unwrap(),
        |opener| thread::spawn(carry(move || opener.child())).join().unwrap(),
    );
}

#[test]
fn rayon_pool() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    // The pool has one thread, which finishes the job before it takes the next one.
    let finish = || pool.install(|| ());
    check(
        "rayon",
        |opener| {
            pool.spawn(move || opener.child());
            finish();
        },
        |opener| {
            pool.spawn(carry(move || opener.child()));
            finish();
        },
    );
}

#[test]
fn channel() {
    check(
        "channel",
        |opener| {
            let (jobs, queue) = mpsc::channel::<Opener>();
            let worker = thread::spawn(move || queue.iter().for_each(|opener| opener.child()));
            jobs.send(opener).unwrap();
            drop(jobs);
            worker.join().unwrap();
        },
        |opener| {
            let (jobs, queue) = mpsc::channel::<(Carried, Opener)>();
            let worker = thread::spawn(move || {
                for (carried, opener) in queue {
                    carried.run(|| opener.child());
                }
            });
            jobs.send((Carried::current(), opener)).unwrap();
            drop(jobs);
            worker.join().unwrap();
        },
    );
}

#[test]
fn callback() {
    type Callback = Box<dyn Fn(&str) + Send>;
    fn call_elsewhere(callback: Callback) {
        thread::spawn(move || callback("ready")).join().unwrap();
    }
    check(
        "callback",
        |opener| call_elsewhere(Box::new(move |_event| opener.child())),
        |opener| {
            let carried = Carried::current();
            call_elsewhere(Box::new(move |_event| carried.run(|| opener.child())));
        },
    );
}
