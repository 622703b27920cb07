//! The OpenTelemetry side of a `tracing` span, which `otel-tracing`'s layer keeps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event, Link, SpanRef, Status, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use tracing::span::Id;

/// The OpenTelemetry side of a `tracing` span.
///
/// A span starts when it is first entered or asked for its context, so that `set_parent` can come before. After the insertion into
/// the extensions only read locks of the extensions are taken, because a caller may hold one.
#[derive(Debug)]
pub struct OtelSpan {
    started: OnceLock<Started>,
    phase: Mutex<Phase>,
    /// Nanoseconds since 1970 at the last exit, if the span ends there.
    last_exit: AtomicU64,
}

/// A span that has started.
#[derive(Debug, Clone)]
pub struct Started {
    /// The context that is active inside the span.
    pub context: Context,
    /// Whose context it is.
    pub kind: Kind,
}

/// Whose context a started span has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its own. The layer has started the OpenTelemetry span, ends it, and decides about its status.
    Own,
    /// That of a span that another instrumentation has started. That instrumentation ends it and decides about its status.
    HandedOver,
    /// The parent's: the trace is not sampled, or the SDK has made no span.
    Parent,
}

/// A span that has not started.
#[derive(Debug)]
pub struct Waiting {
    /// The context in which the span starts.
    pub parent: Context,
    /// When the `tracing` span was made.
    pub start_time: SystemTime,
    /// The parent is not sampled, so the span only carries the parent's context, and does not start.
    pub is_skipped: bool,
    /// The context of a skipped span was used, so the span cannot get another parent.
    pub is_used: bool,
    /// What is added before the start, which is rare.
    pub additions: Option<Box<Additions>>,
}

/// What is added to a span before it starts.
#[derive(Debug, Default)]
pub struct Additions {
    /// Links of `follows_from`.
    pub links: Vec<Link>,
    /// Attributes that events have set.
    pub attributes: Vec<KeyValue>,
    /// Events of the span.
    pub events: Vec<Event>,
    /// The status that events have set.
    pub status: Status,
}

#[derive(Debug)]
struct Phase {
    /// `None` from the moment when a thread begins to start the span. That thread holds no lock, because samplers and
    /// processors may log.
    waiting: Option<Waiting>,
    /// The span that stands in for this one in tracing-opentelemetry, if its extension trait was used.
    shadow: Option<Id>,
    /// The span has ended and gets no shadow any more.
    is_closed: bool,
}

/// Who starts a span.
#[derive(Debug)]
pub enum Turn {
    /// The caller.
    Now(Waiting),
    /// Nobody. The span carries this context of its parent.
    Never(Context),
    /// tracing-opentelemetry, which has changes that its extension trait made.
    ThroughTrait,
    /// Another thread, or this thread further out.
    Elsewhere,
}

/// What is left to do for a span that ends.
#[derive(Debug)]
pub struct Closed<'a> {
    /// The span, if the layer ends it.
    pub started: Option<&'a Started>,
    /// The shadow that is to be freed.
    pub shadow: Option<Id>,
}

/// The span that stands in for a span in tracing-opentelemetry.
#[derive(Debug)]
pub enum Shadow {
    /// It has been made.
    Made(Id),
    /// It can be made, and begins with this context: the span's own, or that of its parent.
    Missing(Context),
    /// It cannot be made yet, because the span starts now.
    Later,
    /// The span has ended.
    Refused,
}

impl OtelSpan {
    /// Makes the data of a span that has not started.
    #[must_use]
    #[inline(always)] // as the store that holds it
    pub fn new(waiting: Waiting) -> Self {
        Self::with(OnceLock::new(), Some(waiting))
    }

    /// Makes the data of a span that another instrumentation has started and will end.
    #[must_use]
    pub fn from_handed_over(context: Context) -> Self {
        let kind = Kind::HandedOver;
        Self::with(OnceLock::from(Started { context, kind }), None)
    }

    #[inline(always)]
    fn with(started: OnceLock<Started>, waiting: Option<Waiting>) -> Self {
        let phase = Phase {
            waiting,
            shadow: None,
            is_closed: false,
        };
        Self {
            started,
            phase: Mutex::new(phase),
            last_exit: AtomicU64::new(0),
        }
    }

    /// Returns the span if it has started.
    #[inline]
    #[must_use]
    pub fn started(&self) -> Option<&Started> {
        self.started.get()
    }

    /// Takes the turn to start the span.
    #[must_use]
    #[inline]
    pub fn take_turn(&self) -> Turn {
        let mut phase = self.lock();
        let has_shadow = phase.shadow.is_some();
        match &mut phase.waiting {
            None => Turn::Elsewhere,
            Some(_) if has_shadow => Turn::ThroughTrait,
            Some(waiting) if waiting.is_skipped => {
                waiting.is_used = true;
                Turn::Never(waiting.parent.clone())
            }
            waiting => waiting.take().map_or(Turn::Elsewhere, Turn::Now),
        }
    }

    /// Takes the turn to start the span for tracing-opentelemetry.
    #[must_use]
    pub fn take_turn_through_trait(&self) -> Option<Waiting> {
        self.lock().waiting.take()
    }

    /// Keeps the started span.
    #[inline]
    pub fn set_started(&self, started: Started) {
        let _ = self.started.set(started);
    }

    /// Changes a span that has not started. Returns `false` if the span has started or starts now.
    pub fn change_waiting(&self, change: impl FnOnce(&mut Additions)) -> bool {
        match &mut self.lock().waiting {
            Some(waiting) => {
                change(waiting.additions.get_or_insert_default());
                true
            }
            None => false,
        }
    }

    /// Returns `true` if the span has not started, does not start now, and can still get another parent.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        let phase = self.lock();
        phase.waiting.as_ref().is_some_and(|it| !it.is_used)
    }

    /// Returns the span that stands in for this one in tracing-opentelemetry, or what it takes to make it.
    #[must_use]
    pub fn shadow(&self) -> Shadow {
        let phase = self.lock();
        if let Some(shadow) = &phase.shadow {
            return Shadow::Made(shadow.clone());
        }
        match (&phase.waiting, self.started()) {
            _ if phase.is_closed => Shadow::Refused,
            (Some(waiting), _) => Shadow::Missing(waiting.parent.clone()),
            (None, Some(started)) => Shadow::Missing(started.context.clone()),
            (None, None) => Shadow::Later,
        }
    }

    /// Keeps the shadow. Returns `false` if the span has ended meanwhile.
    pub fn set_shadow(&self, shadow: Id) -> bool {
        let mut phase = self.lock();
        if !phase.is_closed {
            phase.shadow = Some(shadow);
        }
        !phase.is_closed
    }

    /// Notes that the span ends. Returns `None` if it has not started and must start first.
    #[must_use]
    pub fn close(&self) -> Option<Closed<'_>> {
        let mut phase = self.lock();
        let is_skipped = match &phase.waiting {
            Some(waiting) => waiting.is_skipped && phase.shadow.is_none(),
            None => false,
        };
        let started = self.started();
        if started.is_none() && !is_skipped {
            return None;
        }
        phase.is_closed = true;
        Some(Closed {
            started: started.filter(|started| started.kind == Kind::Own),
            shadow: phase.shadow.take(),
        })
    }

    /// Notes when the span was left.
    pub fn set_last_exit(&self, time: SystemTime) {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanoseconds = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        self.last_exit.store(nanoseconds, Ordering::Relaxed);
    }

    /// Returns when the span was last left, if that is noted.
    #[must_use]
    pub fn last_exit(&self) -> Option<SystemTime> {
        match self.last_exit.load(Ordering::Relaxed) {
            0 => None,
            nanoseconds => Some(UNIX_EPOCH + Duration::from_nanos(nanoseconds)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Started {
    /// Returns the OpenTelemetry span of this `tracing` span. Returns `None` if the context is the parent's.
    #[must_use]
    pub fn span(&self) -> Option<SpanRef<'_>> {
        (self.kind != Kind::Parent).then(|| self.context.span())
    }
}

impl Waiting {
    /// Makes the data of a span under this parent. `skips` says whether a span of an unsampled trace is skipped.
    #[must_use]
    #[inline(always)]
    pub fn new(parent: Context, skips: bool) -> Self {
        Self {
            is_skipped: skips && is_unsampled(&parent),
            parent,
            start_time: opentelemetry::time::now(),
            is_used: false,
            additions: None,
        }
    }

    /// Gives the span another parent.
    pub fn set_parent(&mut self, parent: &Context) {
        // A span of an unsampled trace that gets another parent may be sampled.
        self.is_skipped &= self.parent.span().span_context() == parent.span().span_context();
        self.parent = parent.clone();
    }
}

/// Returns `true` if the parent belongs to an unsampled trace of this process.
#[inline]
fn is_unsampled(parent: &Context) -> bool {
    let span = parent.span();
    let ids = span.span_context();
    ids.is_valid() && !ids.is_sampled() && !ids.is_remote()
}
