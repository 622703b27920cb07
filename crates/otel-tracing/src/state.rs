//! What the layer keeps in the extensions of a `tracing` span.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event, Link, SpanRef, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tracing_core::span::Id;

/// The OpenTelemetry side of a `tracing` span.
///
/// A span starts when it is first entered or asked for its context, so that `set_parent` can come before. After its insertion
/// only read locks of the extensions are taken, because a caller may hold one.
#[derive(Debug)]
pub(crate) struct OtelSpan {
    started: OnceLock<Started>,
    phase: Mutex<Phase>,
    /// Nanoseconds since 1970 at the last exit, if the span ends there.
    last_exit: AtomicU64,
}

/// A span that has started.
#[derive(Debug, Clone)]
pub(crate) struct Started {
    pub(crate) context: Context,
    pub(crate) kind: Kind,
}

/// Whose context a started span has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its own. The layer has started the OpenTelemetry span, ends it, and decides about its status.
    Own,
    /// That of a span that another instrumentation has started. That instrumentation ends it and decides about its status.
    HandedOver,
    /// The parent's: the trace is not sampled, or the SDK has made no span.
    Parent,
}

impl Started {
    /// Returns the OpenTelemetry span of this `tracing` span. Returns `None` if the context is the parent's.
    pub(crate) fn span(&self) -> Option<SpanRef<'_>> {
        (self.kind != Kind::Parent).then(|| self.context.span())
    }
}

/// A span that has not started.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) parent: Context,
    pub(crate) start_time: SystemTime,
    pub(crate) links: Vec<Link>,
    /// What events have set.
    pub(crate) status: Status,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) events: Vec<Event>,
    /// The parent is not sampled, so the span only carries the parent's context.
    pub(crate) is_skipped: bool,
}

#[derive(Debug)]
struct Phase {
    /// `None` from the moment when a thread begins to start the span. That thread holds no lock, because samplers and
    /// processors may log.
    waiting: Option<Waiting>,
    /// The span that stands in for this one in tracing-opentelemetry, if its extension trait was used.
    shadow: Option<Id>,
}

/// Who starts a span.
pub(crate) enum Turn {
    /// The caller.
    Now(Waiting),
    /// tracing-opentelemetry, which has changes that its extension trait made.
    ThroughTrait,
    /// Another thread, or this thread further out.
    Elsewhere,
}

impl OtelSpan {
    /// Makes the data of a span that has not started.
    pub(crate) fn new(waiting: Waiting) -> Self {
        Self::with(OnceLock::new(), Some(waiting))
    }

    /// Makes the data of a span that another instrumentation has started and will end.
    pub(crate) fn from_handed_over(context: Context) -> Self {
        let kind = Kind::HandedOver;
        Self::with(OnceLock::from(Started { context, kind }), None)
    }

    fn with(started: OnceLock<Started>, waiting: Option<Waiting>) -> Self {
        let shadow = None;
        Self {
            started,
            phase: Mutex::new(Phase { waiting, shadow }),
            last_exit: AtomicU64::new(0),
        }
    }

    /// Returns the span if it has started.
    #[inline]
    pub(crate) fn started(&self) -> Option<&Started> {
        self.started.get()
    }

    /// Takes the turn to start the span.
    pub(crate) fn take_turn(&self) -> Turn {
        let mut phase = self.lock();
        if phase.waiting.is_some() && phase.shadow.is_some() {
            return Turn::ThroughTrait;
        }
        phase.waiting.take().map_or(Turn::Elsewhere, Turn::Now)
    }

    /// Takes the turn to start the span for tracing-opentelemetry.
    pub(crate) fn take_turn_through_trait(&self) -> Option<Waiting> {
        self.lock().waiting.take()
    }

    /// Keeps the started span.
    pub(crate) fn set_started(&self, started: Started) {
        let _ = self.started.set(started);
    }

    /// Changes a span that has not started. Returns `false` if the span has started or starts now.
    pub(crate) fn change_waiting(&self, change: impl FnOnce(&mut Waiting)) -> bool {
        self.lock().waiting.as_mut().map(change).is_some()
    }

    /// Returns the context that a shadow of this span begins with: the span's own, or that of its parent.
    ///
    /// Returns `None` while the span starts.
    pub(crate) fn context_for_shadow(&self) -> Option<Context> {
        let phase = self.lock();
        match &phase.waiting {
            Some(waiting) => Some(waiting.parent.clone()),
            None => Some(self.started()?.context.clone()),
        }
    }

    pub(crate) fn shadow(&self) -> Option<Id> {
        self.lock().shadow.clone()
    }

    /// Keeps the shadow. Returns `true` if the span has started or starts now.
    pub(crate) fn set_shadow(&self, shadow: Id) -> bool {
        let mut phase = self.lock();
        phase.shadow = Some(shadow);
        phase.waiting.is_none()
    }

    pub(crate) fn set_last_exit(&self, time: SystemTime) {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanoseconds = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        self.last_exit.store(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn last_exit(&self) -> Option<SystemTime> {
        match self.last_exit.load(Ordering::Relaxed) {
            0 => None,
            nanoseconds => Some(UNIX_EPOCH + Duration::from_nanos(nanoseconds)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Makes the data of a span under this parent. `skips` says whether a span of an unsampled trace is skipped.
    pub(crate) fn new(parent: Context, skips: bool) -> Self {
        Self {
            is_skipped: skips && is_unsampled(&parent),
            parent,
            start_time: opentelemetry::time::now(),
            links: Vec::new(),
            status: Status::Unset,
            attributes: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Gives the span another parent.
    pub(crate) fn set_parent(&mut self, parent: &Context) {
        if is_same(&self.parent, parent) {
            return;
        }
        self.parent = parent.clone();
        self.is_skipped = false;
    }
}

/// Returns `true` if the parent belongs to an unsampled trace of this process.
fn is_unsampled(parent: &Context) -> bool {
    let span = parent.span();
    let ids = span.span_context();
    ids.is_valid() && !ids.is_sampled() && !ids.is_remote()
}

fn is_same(one: &Context, other: &Context) -> bool {
    one.span().span_context() == other.span().span_context()
}
