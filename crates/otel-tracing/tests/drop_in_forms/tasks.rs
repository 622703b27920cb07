//! Spans that go to other tasks and threads.

use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use opentelemetry::trace::{Span as _, Status};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span as SdkSpan, SpanData, SpanProcessor};
use tracing::instrument::WithSubscriber as _;
use tracing::{Dispatch, Instrument as _, Span, dispatcher, field, info_span, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::common::{
    KINDS, Trial, assert_attribute, assert_child, for_each, headers, ids, sampled,
};

#[instrument]
async fn leaf(number: i64) {
    tokio::task::yield_now().await;
    Span::current().set_attribute("leaf", number);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spawned_tasks_set_attributes_and_parents() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let dispatch = trial.registry();
        let request = dispatcher::with_default(&dispatch, || info_span!("request"));
        let mut tasks = Vec::new();
        for number in 0..5_i64 {
            let request = request.clone();
            let task = async move {
                request.set_attribute(format!("task {number}"), number);
                let span = info_span!(parent: None, "task", otel.name = format!("task {number}"));
                span.set_parent(request.context()).unwrap();
                leaf(number).instrument(span).await;
            };
            tasks.push(tokio::spawn(task.with_subscriber(dispatch.clone())));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let expected = ids(&request);
        drop(request);
        for number in 0..5_i64 {
            let task = trial.get(&format!("task {number}"));
            assert_child(&task, &expected);
            let mut leaves = trial.all();
            leaves.retain(|it| it.parent_span_id == task.span_context.span_id());
            assert_attribute(&leaves[0], "leaf", number);
        }
        let attributes = trial.get("request").attributes;
        let by_tasks = attributes
            .iter()
            .filter(|it| it.key.as_str().starts_with("task "));
        assert_eq!(by_tasks.count(), 5);
    }
}

#[tokio::test]
async fn a_task_goes_on_after_the_request() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let _default = dispatcher::set_default(&trial.registry());
        let task = async {
            tokio::task::yield_now().await;
            Span::current().set_attribute("from the task", 1);
            headers(&Span::current().context())
        };
        let request = info_span!("request");
        let task = request.in_scope(|| tokio::spawn(task.in_current_span()));
        drop(request);
        let sent = task.await.unwrap();
        let request = trial.get("request");
        assert_attribute(&request, "from the task", 1);
        let expected = crate::common::traceparent(&request.span_context);
        assert_eq!(sent["traceparent"], expected);
    }
}

/// Messages carry the span of their sender to a thread, which has its own span for the work.
#[test]
fn a_span_goes_through_a_channel() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let dispatch = trial.registry();
        let (sender, receiver) = mpsc::channel::<Span>();
        let worker = {
            let dispatch = dispatch.clone();
            thread::spawn(move || {
                dispatcher::with_default(&dispatch, || {
                    for sent in receiver {
                        let work = info_span!("work");
                        work.set_parent(sent.context()).unwrap();
                        let _entered = work.enter();
                        sent.set_status(Status::Ok);
                        info_span!(parent: &sent, "explicit").in_scope(|| ());
                    }
                });
            })
        };
        dispatcher::with_default(&dispatch, || sender.send(info_span!("message")).unwrap());
        drop(sender);
        worker.join().unwrap();
        let message = trial.get("message");
        assert_eq!(message.status, Status::Ok);
        assert_child(&trial.get("work"), &message.span_context);
        assert_child(&trial.get("explicit"), &message.span_context);
    }
}

#[test]
fn a_thread_without_a_subscriber() {
    for_each(|trial| {
        let span = info_span!("request", waited = field::Empty);
        let entered = info_span!("entered").entered();
        thread::scope(|scope| {
            scope.spawn(|| {
                assert!(dispatcher::get_default(|it| !it
                    .is::<tracing_subscriber::Registry>(
                )));
                span.set_attribute("before", 1);
                let before = ids(&span);
                span.in_scope(|| span.set_attribute("after", 1));
                entered.set_attribute("elsewhere", 1);
                span.record("waited", 1);
                assert_eq!(ids(&span), before);
            });
        });
        drop(entered);
        drop(span);
        let request = trial.get("request");
        for key in ["before", "after", "waited"] {
            assert_attribute(&request, key, 1);
        }
        assert_attribute(&trial.get("entered"), "elsewhere", 1);
    });
}

/// Records how long it was kept.
struct Waiting(Span);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.record("waited", 1);
        self.0.set_attribute("dropped", true);
    }
}

#[test]
fn the_last_handle_is_dropped_on_another_thread() {
    for_each(|trial| {
        let span = info_span!("request", waited = field::Empty);
        let waiting = Waiting(span.clone());
        span.in_scope(|| ());
        drop(span);
        assert!(trial.all().is_empty());
        thread::spawn(move || drop(waiting)).join().unwrap();
        assert_attribute(&trial.get("request"), "waited", 1);
        assert_attribute(&trial.get("request"), "dropped", true);
    });
}

#[test]
fn threads_that_start_a_span_agree_on_its_ids() {
    for_each(|trial| {
        for round in 0..100_u64 {
            let span = info_span!("shared", otel.name = format!("shared {round}"));
            let barrier = Barrier::new(4);
            let read: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|number| {
                        let (span, barrier) = (&span, &barrier);
                        scope.spawn(move || {
                            barrier.wait();
                            match number {
                                0 => span.in_scope(|| ()),
                                1 => drop(span.set_parent(sampled(7).0)),
                                2 => span.set_status(Status::Ok),
                                _ => span.add_event("event", Vec::new()),
                            }
                            span.set_attribute(format!("thread {number}"), number);
                            ids(span)
                        })
                    })
                    .collect();
                threads.into_iter().map(|it| it.join().unwrap()).collect()
            });
            drop(span);
            let span = trial.get(&format!("shared {round}"));
            assert!(read.iter().all(|it| *it == span.span_context), "{read:?}");
            let mut keys: Vec<_> = span.attributes.iter().map(|it| it.key.as_str()).collect();
            keys.retain(|it| it.starts_with("thread "));
            assert_eq!(keys.len(), 4);
            assert_eq!((span.status, span.events.len()), (Status::Ok, 1));
        }
    });
}

#[tokio::test]
async fn the_current_span_where_another_one_is_disabled() {
    use tracing_subscriber::filter::LevelFilter;
    use tracing_subscriber::layer::SubscriberExt as _;

    for kind in KINDS {
        let trial = Trial::new(kind);
        let dispatch = crate::common::dispatch!(trial, layer => tracing_subscriber::registry().with(layer).with(LevelFilter::INFO));
        let _default = dispatcher::set_default(&dispatch);
        let work = async { Span::current().set_attribute("worked", true) };
        let request = info_span!("request");
        let work = request.in_scope(|| {
            assert!(Dispatch::default().is::<tracing_subscriber::Registry>());
            work.instrument(tracing::debug_span!("detail").or_current())
        });
        work.await;
        drop(request);
        assert_attribute(&trial.get("request"), "worked", true);
    }
}

/// Reads the ids of one span while another one starts.
#[derive(Clone, Debug)]
struct OtherSpanProcessor {
    other: Arc<Mutex<Option<Span>>>,
    starts: mpsc::Sender<()>,
}

impl SpanProcessor for OtherSpanProcessor {
    fn on_start(&self, span: &mut SdkSpan, _: &Context) {
        let other = self.other.lock().unwrap().take();
        if let Some(other) = other {
            self.starts.send(()).unwrap();
            // The test's second thread now asks for the span that starts here.
            thread::sleep(Duration::from_millis(50));
            let other_id = ids(&other).span_id().to_string();
            span.set_attribute(KeyValue::new("other_id", other_id));
        }
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[test]
fn a_processor_uses_another_span_while_a_thread_waits_for_the_one_that_starts() {
    for kind in KINDS {
        let (starts, started) = mpsc::channel();
        let other = Arc::new(Mutex::new(None));
        let processor = OtherSpanProcessor {
            other: Arc::clone(&other),
            starts,
        };
        let builder = SdkTracerProvider::builder().with_span_processor(processor);
        let trial = Trial::with_provider(kind, builder);
        let (first, second) = dispatcher::with_default(&trial.registry(), || {
            (info_span!("first"), info_span!("second"))
        });
        *other.lock().unwrap() = Some(first.clone());

        let (done, finished) = mpsc::channel();
        let (entering, asking) = (second.clone(), second.clone());
        let done_too = done.clone();
        thread::spawn(move || {
            entering.in_scope(|| ());
            done.send(entering).unwrap();
        });
        thread::spawn(move || {
            started.recv().unwrap();
            assert!(ids(&asking).is_valid());
            done_too.send(asking).unwrap();
        });
        for _ in 0..2 {
            let in_time = finished.recv_timeout(Duration::from_secs(5)).is_ok();
            assert!(in_time, "{kind:?}: the threads wait for each other");
        }
        let first_id = ids(&first).span_id().to_string();
        drop(second);
        assert_attribute(&trial.get("second"), "other_id", first_id);
    }
}
