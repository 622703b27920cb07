//! Flushes all signals in parallel, within a time limit.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use opentelemetry_sdk::error::OTelSdkResult;
#[cfg(feature = "logs")]
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::sync::oneshot;
use tokio::time;

use crate::otlp::ExportRuntime;

/// The batch processors of the SDK wait this long for a flush. The export continues afterwards.
const SDK_LIMIT: Duration = Duration::from_secs(5);

/// The signals of a process, and how long a flush may take.
pub(crate) struct Flusher {
    signals: Vec<Arc<SignalFlusher>>,
    limit: Duration,
}

impl Flusher {
    /// Creates a flusher without signals.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            signals: Vec::new(),
            limit,
        }
    }

    pub(crate) fn with_spans(self, provider: SdkTracerProvider) -> Self {
        let limit = self.limit;
        self.with_signal(move || flush_batches(limit, || provider.force_flush()))
    }

    pub(crate) fn with_metrics(self, provider: SdkMeterProvider) -> Self {
        self.with_signal(move || provider.force_flush().is_ok())
    }

    #[cfg(feature = "logs")]
    pub(crate) fn with_logs(self, provider: SdkLoggerProvider) -> Self {
        let limit = self.limit;
        self.with_signal(move || flush_batches(limit, || provider.force_flush()))
    }

    fn with_signal(mut self, flush: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.signals.push(Arc::new(SignalFlusher::new(flush)));
        self
    }

    /// Returns `false` if no signal is exported.
    #[cfg(feature = "tower")]
    pub(crate) fn has_signals(&self) -> bool {
        !self.signals.is_empty()
    }

    /// Starts a flush now. Its future needs no runtime.
    pub(crate) fn start(&self) -> PendingFlush {
        let (sender, receiver) = oneshot::channel();
        self.start_with(move |is_flushed| {
            // The caller may have left.
            let _ = sender.send(is_flushed);
        });
        PendingFlush(receiver)
    }

    /// Flushes and blocks the thread. Unlike [`start`](Self::start), it may be called inside an async runtime.
    pub(crate) fn flush_blocking(&self) -> bool {
        let (sender, receiver) = mpsc::channel();
        self.start_with(move |is_flushed| {
            let _ = sender.send(is_flushed);
        });
        receiver.recv_timeout(self.limit).unwrap_or(false)
    }

    fn start_with(&self, report: impl FnOnce(bool) + Send + 'static) {
        let started: Vec<_> = self.signals.iter().map(SignalFlusher::start).collect();
        if started.is_empty() {
            return report(true);
        }
        // The application's executor may not have a timer.
        let Ok(runtime) = ExportRuntime::get() else {
            return report(false);
        };
        let limit = self.limit;
        runtime.spawn(async move {
            let flushed = time::timeout(limit, all(started)).await;
            report(flushed.unwrap_or(false));
        });
    }
}

impl fmt::Debug for Flusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flusher")
            .field("signals", &self.signals.len())
            .field("limit", &self.limit)
            .finish()
    }
}

/// A flush that has started. Returns `true` if everything was exported within the limit.
#[derive(Debug)]
pub(crate) struct PendingFlush(oneshot::Receiver<bool>);

impl Future for PendingFlush {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        Pin::new(&mut self.0)
            .poll(cx)
            .map(|received| received.unwrap_or(false))
    }
}

/// Flushes one signal on at most one thread, however many callers wait.
struct SignalFlusher {
    flush: Box<dyn Fn() -> bool + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_running: bool,
    /// The callers whose flush has not started. One flush serves all of them.
    waiting: Vec<oneshot::Sender<bool>>,
}

impl SignalFlusher {
    fn new(flush: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            flush: Box::new(flush),
            state: Mutex::default(),
        }
    }

    fn start(self: &Arc<Self>) -> oneshot::Receiver<bool> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        state.waiting.push(sender);
        if !state.is_running {
            let signal = Arc::clone(self);
            let thread = thread::Builder::new().name("otel-flush".to_owned());
            state.is_running = thread.spawn(move || signal.run()).is_ok();
            if !state.is_running {
                // Without a thread there is no flush.
                state.waiting.clear();
            }
        }
        receiver
    }

    /// Flushes until no caller waits.
    fn run(&self) {
        let _suppressed = opentelemetry::Context::enter_telemetry_suppressed_scope();
        while let Some(callers) = self.take_waiting() {
            // A span processor of the application may panic.
            let flushed = catch_unwind(AssertUnwindSafe(|| (self.flush)()));
            let is_flushed = flushed.unwrap_or(false);
            for caller in callers {
                let _ = caller.send(is_flushed);
            }
        }
    }

    /// Returns the callers that wait. Returns `None` at the end of the thread.
    fn take_waiting(&self) -> Option<Vec<oneshot::Sender<bool>>> {
        let mut state = self.state();
        state.is_running = !state.waiting.is_empty();
        state.is_running.then(|| mem::take(&mut state.waiting))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn all(started: Vec<oneshot::Receiver<bool>>) -> bool {
    let mut is_flushed = true;
    for signal in started {
        is_flushed &= signal.await.unwrap_or(false);
    }
    is_flushed
}

/// Flushes the batch processors of a signal.
fn flush_batches(limit: Duration, force_flush: impl Fn() -> OTelSdkResult) -> bool {
    let start = Instant::now();
    loop {
        let began = Instant::now();
        if force_flush().is_ok() {
            return true;
        }
        let has_timed_out = began.elapsed() >= SDK_LIMIT;
        if !has_timed_out || start.elapsed() >= limit {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_flush_that_nobody_waits_for_any_more_serves_the_next_callers() {
        let (go, gate) = mpsc::channel::<()>();
        let (begin, began) = mpsc::channel();
        let flushes = Arc::new(AtomicUsize::new(0));
        let (counted, gate) = (Arc::clone(&flushes), Mutex::new(gate));
        let flusher = Flusher::new(LONG).with_signal(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            begin.send(thread::current().id()).unwrap();
            gate.lock().unwrap().recv().unwrap();
            true
        });
        let first = flusher.start();
        let thread = began.recv().unwrap();
        // The flush of the first caller has begun, so it does not cover what the others have recorded.
        let others: Vec<_> = (0..100).map(|_| flusher.start()).collect();
        drop(first);
        go.send(()).unwrap();
        assert_eq!(began.recv().unwrap(), thread, "one thread");
        go.send(()).unwrap();
        for other in others {
            assert_eq!(other.0.blocking_recv(), Ok(true));
        }
        assert_eq!(flushes.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_flush_that_panics_is_not_the_last() {
        let flushes = AtomicUsize::new(0);
        let flusher = Flusher::new(LONG)
            .with_signal(move || flushes.fetch_add(1, Ordering::SeqCst) > 0 || panic!("broken"));
        assert!(!flusher.flush_blocking());
        assert!(flusher.flush_blocking());
    }

    #[test]
    fn without_signals_a_flush_is_done_at_once() {
        let flusher = Flusher::new(Duration::ZERO);
        let mut flush = flusher.start();
        let polled = Pin::new(&mut flush).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, Poll::Ready(true));
        assert!(Flusher::new(LONG).flush_blocking());
    }

    #[test]
    fn one_signal_that_hangs_ends_the_flush_at_the_limit() {
        let (_sender, never) = mpsc::channel::<()>();
        let never = Mutex::new(never);
        let limit = Duration::from_millis(50);
        let flusher = Flusher::new(limit)
            .with_signal(|| true)
            .with_signal(move || never.lock().unwrap().recv().is_ok());
        let start = Instant::now();
        assert!(!flusher.flush_blocking());
        assert_eq!(flusher.start().0.blocking_recv(), Ok(false));
        assert!(start.elapsed() >= limit * 2);
        assert!(start.elapsed() < LONG);
    }
}
