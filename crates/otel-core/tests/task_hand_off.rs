//! The context of carried work, and the state of its thread afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::future::{Future as _, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context as TaskContext, Poll, Waker};
use std::thread;

use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracer, SdkTracerProvider};
use otel_core::span_changes::ErrorDecision;
use otel_core::task::{Carried, InContext, carry, in_context};
use otel_core::{ActiveRequest, CurrentRequest, RequestCell};
use tracing::dispatcher::{self, Dispatch};
use tracing::span::{self, Id};
use tracing::subscriber::NoSubscriber;
use tracing::{Event, Span, Subscriber, info, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{self, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use self::support::span_layer;

/// The context, span and subscriber that some work sees.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    context: SpanContext,
    span: Option<Id>,
    subscriber: bool,
}

impl Place {
    fn here() -> Self {
        Self {
            context: Context::current().span().span_context().clone(),
            span: Span::current().id(),
            subscriber: dispatcher::get_default(|dispatch| !dispatch.is::<NoSubscriber>()),
        }
    }

    /// The place of work that was carried from here: no `tracing` span is kept open for it.
    fn of_carried(&self) -> Self {
        Self {
            span: None,
            ..self.clone()
        }
    }

    fn nowhere() -> Self {
        Self {
            context: SpanContext::NONE,
            span: None,
            subscriber: false,
        }
    }
}

fn provider() -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_simple_exporter(InMemorySpanExporter::default())
        .build()
}

fn tracer() -> SdkTracer {
    provider().tracer("test")
}

fn subscriber() -> Dispatch {
    Dispatch::new(tracing_subscriber::registry().with(span_layer(&provider())))
}

fn in_span<T>(name: &str, work: impl FnOnce() -> T) -> T {
    dispatcher::with_default(&subscriber(), || {
        info_span!("work", name).in_scope(|| {
            assert!(Place::here().context.is_valid(), "{name}");
            work()
        })
    })
}

#[test]
fn carried_work_finds_span_context_and_subscriber_of_the_sender() {
    in_span("sender", || {
        let here = Place::here();
        let found = thread::spawn(carry(Place::here)).join().unwrap();
        assert_eq!(found, here.of_carried());
        let carried = Carried::current().keep_span_open();
        let found = thread::spawn(move || carried.run(Place::here)).join();
        assert_eq!(found.unwrap(), here);
        let found = thread::spawn(Place::here).join().unwrap();
        assert_eq!(found, Place::nowhere());
    });
}

#[test]
fn a_context_attached_inside_the_tracing_span_wins_over_the_span_s_own() {
    in_span("outer", || {
        tracer().in_span("plain", |plain| {
            let carried = Carried::current().keep_span_open();
            let found = thread::spawn(move || carried.run(Place::here)).join();
            let found = found.unwrap();
            assert_eq!(&found.context, plain.span().span_context());
            assert_eq!(found.span, Span::current().id());
        });
    });
}

#[test]
fn baggage_and_values_are_carried() {
    #[derive(Debug, PartialEq)]
    struct Tenant(u8);
    let _attached = Context::current_with_value(Tenant(7)).attach();
    let found = thread::spawn(carry(|| {
        Context::map_current(|cx| cx.get::<Tenant>().map(|tenant| tenant.0))
    }));
    assert_eq!(found.join().unwrap(), Some(7));
}

#[test]
fn events_of_carried_work_belong_to_the_carried_span() {
    #[derive(Clone, Default)]
    struct EventSpans(Arc<Mutex<Vec<Option<Id>>>>);
    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for EventSpans {
        fn on_event(&self, event: &Event<'_>, cx: layer::Context<'_, S>) {
            let span = cx.event_span(event).map(|span| span.id());
            self.0.lock().unwrap().push(span);
        }
    }
    let seen = EventSpans::default();
    let subscriber = Dispatch::new(tracing_subscriber::registry().with(seen.clone()));
    dispatcher::with_default(&subscriber, || {
        let span = info_span!("work");
        let work = span.in_scope(|| carry(|| info!("elsewhere")));
        thread::spawn(work).join().unwrap();
        assert_eq!(*seen.0.lock().unwrap(), [span.id()]);
    });
}

#[test]
fn nested_carries_each_return_to_the_one_around() {
    let (outer, inner) = (Mutex::new(None), Mutex::new(None));
    let note = |slot: &Mutex<Option<Place>>| *slot.lock().unwrap() = Some(Place::here());
    let capture = || [Carried::current(), Carried::current().keep_span_open()];
    let [first, first_open] = in_span("outer", || {
        note(&outer);
        capture()
    });
    let [second, second_open] = in_span("inner", || {
        note(&inner);
        capture()
    });
    let outer = outer.into_inner().unwrap().unwrap();
    let inner = inner.into_inner().unwrap().unwrap();
    assert_ne!(outer, inner);
    first_open.run(|| {
        assert_eq!(Place::here(), outer, "before");
        second_open.run(|| assert_eq!(Place::here(), inner, "inside"));
        assert_eq!(Place::here(), outer, "after");
    });
    first.run(|| {
        assert_eq!(Place::here(), outer.of_carried(), "before");
        second.run(|| assert_eq!(Place::here(), inner.of_carried(), "inside"));
        assert_eq!(Place::here(), outer.of_carried(), "after");
    });
    assert_eq!(Place::here(), Place::nowhere());
}

#[test]
fn a_carried_value_is_used_any_number_of_times() {
    let (carried, here) = in_span("sender", || (Carried::current(), Place::here()));
    let here = here.of_carried();
    let copy = carried.clone();
    for run in 1..=3 {
        assert_eq!(carried.run(Place::here), here, "run {run}");
    }
    drop(carried);
    assert_eq!(copy.run(Place::here), here, "a clone");
    let entered = copy.enter();
    assert_eq!(Place::here(), here, "entered");
    drop(entered);
    assert_eq!(Place::here(), Place::nowhere(), "left");
}

#[test]
fn each_poll_of_a_carried_future_is_in_the_context() {
    /// Is ready at its third poll, with the place of each poll.
    struct Places(Vec<Place>);
    impl Future for Places {
        type Output = Vec<Place>;
        fn poll(mut self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Vec<Place>> {
            self.0.push(Place::here());
            match self.0.len() {
                3 => Poll::Ready(std::mem::take(&mut self.0)),
                _ => Poll::Pending,
            }
        }
    }
    let (future, here) = in_span("sender", || (in_context(Places(Vec::new())), Place::here()));
    let here = here.of_carried();
    let mut future = pin!(future);
    let mut task = TaskContext::from_waker(Waker::noop());
    let found = loop {
        match future.as_mut().poll(&mut task) {
            Poll::Ready(found) => break found,
            Poll::Pending => assert_eq!(Place::here(), Place::nowhere(), "between the polls"),
        }
    };
    assert_eq!(found, [here.clone(), here.clone(), here]);
}

#[test]
fn a_cancelled_future_is_dropped_in_the_context() {
    struct OnDrop(mpsc::Sender<Place>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.send(Place::here()).unwrap();
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    let (dropped, places) = mpsc::channel();
    let (started, wait) = mpsc::channel();
    let held = OnDrop(dropped);
    let (future, here) = in_span("sender", || {
        let future = in_context(async move {
            let _held = held;
            started.send(()).unwrap();
            pending::<()>().await;
        });
        (future, Place::here())
    });
    let task = runtime.spawn(future);
    wait.recv().unwrap();
    task.abort();
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    assert_eq!(places.recv().unwrap(), here.of_carried());
}

#[test]
fn a_future_that_was_never_polled_is_dropped_in_the_context() {
    struct OnDrop(Arc<Mutex<Option<Place>>>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = Some(Place::here());
        }
    }
    let place = Arc::new(Mutex::new(None));
    let held = OnDrop(Arc::clone(&place));
    let (future, here) = in_span("sender", || {
        let future = in_context(async move {
            let _held = held;
        });
        (future, Place::here())
    });
    drop(future);
    assert_eq!(place.lock().unwrap().take(), Some(here.of_carried()));
}

#[test]
fn nothing_stays_active_on_the_pool_s_thread() {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(1)
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build()
        .unwrap();
    in_span("sender", || {
        let here = Place::here().of_carried();
        assert_eq!(pool.install(carry(Place::here)), here, "rayon");
        let task = runtime.spawn(in_context(async { Place::here() }));
        assert_eq!(runtime.block_on(task).unwrap(), here, "tokio");
    });
    assert_eq!(pool.install(Place::here), Place::nowhere(), "rayon");
    let task = runtime.spawn(async { Place::here() });
    let found = runtime.block_on(task).unwrap();
    assert_eq!(found, Place::nowhere(), "tokio");
}

#[test]
fn a_panic_in_carried_work_leaves_nothing_active() {
    let work = in_span("sender", || carry(|| panic!("expected by the test")));
    assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
    assert_eq!(Place::here(), Place::nowhere());
}

#[test]
fn what_was_carried_without_a_subscriber_does_not_hide_one_set_later() {
    let carried = Carried::current();
    dispatcher::with_default(&subscriber(), || {
        assert!(carried.run(|| Place::here().subscriber));
    });
}

#[test]
fn a_tracing_span_that_a_filter_switched_off_does_not_stop_the_context() {
    let subscriber = Dispatch::new(tracing_subscriber::registry().with(LevelFilter::WARN));
    dispatcher::with_default(&subscriber, || {
        tracer().in_span("plain", |plain| {
            let filtered = info_span!("filtered").entered();
            assert!(filtered.is_disabled());
            let found = thread::spawn(carry(Place::here)).join().unwrap();
            assert_eq!(&found.context, plain.span().span_context());
        });
    });
}

#[test]
fn a_span_of_carried_work_is_a_child_although_its_sender_s_span_has_ended() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let subscriber = Dispatch::new(tracing_subscriber::registry().with(span_layer(&provider)));
    let names = || -> Vec<_> {
        let spans = exporter.get_finished_spans().unwrap();
        spans.iter().map(|span| span.name.to_string()).collect()
    };
    dispatcher::with_default(&subscriber, || {
        let carried = info_span!("request").in_scope(Carried::current);
        assert_eq!(names(), ["request"], "the span has ended");
        thread::spawn(move || carried.run(|| info_span!("job").in_scope(|| ())))
            .join()
            .unwrap();
        let carried = info_span!("open").in_scope(|| Carried::current().keep_span_open());
        assert_eq!(names(), ["request", "job"], "the span is kept open");
        drop(carried);
        assert_eq!(names(), ["request", "job", "open"]);
    });
    let spans = exporter.get_finished_spans().unwrap();
    let request = &spans[0].span_context;
    assert_eq!(spans[1].parent_span_id, request.span_id());
    assert_eq!(spans[1].span_context.trace_id(), request.trace_id());
}

#[test]
fn a_span_that_is_made_for_carried_work_is_in_the_sender_s_trace() {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let subscriber = Dispatch::new(tracing_subscriber::registry().with(span_layer(&provider)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    dispatcher::with_default(&subscriber, || {
        let ship = |carried: Carried| {
            let task = carried.in_span(|| info_span!("ship"), async {
                info_span!("pack").in_scope(|| ());
            });
            runtime.block_on(task);
        };
        let request = info_span!("request");
        let carried = request.in_scope(Carried::current);
        drop(request);
        // In a consumer with a trace of its own.
        info_span!("consumer").in_scope(|| ship(carried));
    });
    let spans = exporter.get_finished_spans().unwrap();
    let find = |name: &str| spans.iter().find(|span| span.name == name).expect(name);
    let trace = find("request").span_context.trace_id();
    let ids = |name| find(name).span_context.span_id();
    assert_eq!(find("ship").parent_span_id, ids("request"));
    assert_eq!(find("pack").parent_span_id, ids("ship"));
    assert_eq!(find("pack").span_context.trace_id(), trace);
    assert_ne!(find("consumer").span_context.trace_id(), trace);
}

#[test]
fn a_span_for_carried_work_that_never_ran_is_not_made() {
    let made = Arc::new(Mutex::new(false));
    let is_made = Arc::clone(&made);
    let task = Carried::current().in_span(
        move || {
            *is_made.lock().unwrap() = true;
            Span::none()
        },
        ready(()),
    );
    drop(task);
    assert!(!*made.lock().unwrap());
}

#[test]
fn carried_work_has_the_request_of_its_sender() {
    let mut request = RequestCell::new(Context::new(), false, false);
    let carried = {
        let _active = ActiveRequest::enter(&mut request);
        Carried::current()
    };
    let job = thread::spawn(move || {
        carried.run(|| CurrentRequest::get().set_error("job failed"));
        // Nothing stays on the thread.
        CurrentRequest::get().set_error("lost");
    });
    job.join().unwrap();
    let changes = request.take_changes().unwrap();
    let failed = ErrorDecision::error("job failed".into(), None);
    assert_eq!(changes.error(), Some(&failed));
}

#[test]
fn what_carries_can_go_where_the_work_can() {
    fn is_send<T: Send + 'static>(_: &T) {}
    fn is_sync<T: Sync>(_: &T) {}
    is_send(&in_context(ready(1)));
    is_send(&Carried::current().in_span(Span::none, ready(1)));
    is_send(&carry(|| 1));
    is_send(&Carried::current());
    is_sync(&Carried::current());
    let mut named: InContext<_> = in_context(ready(1));
    let mut task = TaskContext::from_waker(Waker::noop());
    assert_eq!(Pin::new(&mut named).poll(&mut task), Poll::Ready(1));
}

#[test]
fn the_carried_span_closes_when_the_work_is_gone() {
    #[derive(Clone, Default)]
    struct Closed(Arc<Mutex<u8>>);
    impl<S: Subscriber> Layer<S> for Closed {
        fn on_close(&self, _: span::Id, _: layer::Context<'_, S>) {
            *self.0.lock().unwrap() += 1;
        }
    }
    let closed = Closed::default();
    let subscriber = Dispatch::new(tracing_subscriber::registry().with(closed.clone()));
    dispatcher::with_default(&subscriber, || {
        let work = info_span!("work").in_scope(|| carry(|| ()));
        assert_eq!(*closed.0.lock().unwrap(), 0, "held");
        work();
        assert_eq!(*closed.0.lock().unwrap(), 1, "done");
    });
}
