//! The OpenTelemetry side of a `tracing` span, which `otel-tracing`'s layer keeps.
#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "hidden, and used by a crate of the same version"
)]

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
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
    /// What was there when the `tracing` span was made: the context of a skipped span's parent, or a span that was handed over.
    given: Option<Started>,
    /// The span that was started here. A skipped span starts if it gets another parent.
    started: OnceLock<Started>,
    /// Whether the span is skipped: its trace is not sampled, so it only carries the context of its parent.
    skip: AtomicU8,
    has_shadow: AtomicBool,
    /// The span has ended and gets no shadow any more.
    is_closed: AtomicBool,
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

/// The span is not skipped.
const NOT_SKIPPED: u8 = 0;
/// The span is skipped, and can still get another parent.
const UNUSED: u8 = 1;
/// The span is skipped, and its context was used.
const USED: u8 = 2;

#[derive(Debug)]
struct Phase {
    /// `None` from the moment when a thread begins to start the span. That thread holds no lock, because samplers and
    /// processors may log.
    waiting: Option<Waiting>,
    /// The span that stands in for this one in tracing-opentelemetry, if its extension trait was used.
    shadow: Option<Id>,
}

/// What a span needs to be used.
#[derive(Debug)]
pub enum Turn {
    /// Nothing.
    Done(Started),
    /// The caller starts it.
    Now(Waiting),
    /// The extension trait of tracing-opentelemetry has made changes, so tracing-opentelemetry starts it.
    ThroughTrait,
    /// Another thread starts it, or this thread further out.
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
    /// Makes the data of a span that starts in this context.
    ///
    /// If `skips` is set and the parent is an unsampled span of this process, the span is skipped.
    #[must_use]
    #[inline(always)] // as the store that holds it
    pub fn new(parent: Context, skips: bool) -> Self {
        let is_skipped = skips && is_unsampled(&parent);
        let (given, waiting) = if is_skipped {
            let kind = Kind::Parent;
            let context = parent;
            (Some(Started { context, kind }), None)
        } else {
            (None, Some(Waiting::new(parent)))
        };
        Self::with(
            given,
            if is_skipped { UNUSED } else { NOT_SKIPPED },
            waiting,
        )
    }

    /// Makes the data of a span that another instrumentation has started and will end.
    #[must_use]
    pub fn from_handed_over(context: Context) -> Self {
        let kind = Kind::HandedOver;
        Self::with(Some(Started { context, kind }), NOT_SKIPPED, None)
    }

    #[inline(always)]
    fn with(given: Option<Started>, skip: u8, waiting: Option<Waiting>) -> Self {
        let phase = Phase {
            waiting,
            shadow: None,
        };
        Self {
            given,
            started: OnceLock::new(),
            skip: AtomicU8::new(skip),
            has_shadow: AtomicBool::new(false),
            is_closed: AtomicBool::new(false),
            phase: Mutex::new(phase),
            last_exit: AtomicU64::new(0),
        }
    }

    /// Returns the span if it has started or is skipped.
    #[inline]
    #[must_use]
    pub fn started(&self) -> Option<&Started> {
        self.started.get().or(self.given.as_ref())
    }

    /// Returns the span, or the turn to start it.
    #[must_use]
    #[inline]
    pub fn take_turn(&self) -> Turn {
        match self.skip.load(Ordering::Relaxed) {
            UNUSED if self.has_shadow.load(Ordering::Relaxed) => return Turn::ThroughTrait,
            UNUSED => self.skip.store(USED, Ordering::Relaxed),
            _ => {}
        }
        if let Some(started) = self.started() {
            return Turn::Done(started.clone());
        }
        let mut phase = self.lock();
        if phase.waiting.is_some() && phase.shadow.is_some() {
            return Turn::ThroughTrait;
        }
        phase.waiting.take().map_or(Turn::Elsewhere, Turn::Now)
    }

    /// Takes the turn to start the span for tracing-opentelemetry, under this parent. Returns `None` if it has started.
    #[must_use]
    pub fn take_turn_through_trait(&self, parent: &Context) -> Option<Waiting> {
        let skip = self
            .skip
            .compare_exchange(UNUSED, USED, Ordering::Relaxed, Ordering::Relaxed);
        let waiting = self.lock().waiting.take();
        let waiting = match skip {
            Ok(_) => {
                let ids = self.started()?.context.span().span_context().clone();
                if ids == *parent.span().span_context() {
                    // The baggage of the new parent may be different.
                    self.set_started(Started {
                        context: parent.clone(),
                        kind: Kind::Parent,
                    });
                    return None;
                }
                waiting.unwrap_or_else(|| Waiting::new(parent.clone()))
            }
            Err(USED) => return None,
            Err(_) => waiting?,
        };
        Some(Waiting {
            parent: parent.clone(),
            ..waiting
        })
    }

    /// Keeps the started span.
    #[inline]
    pub fn set_started(&self, started: Started) {
        let _ = self.started.set(started);
    }

    /// Changes a span that has not started. Returns `false` if the span has started or starts now.
    pub fn change_waiting(&self, change: impl FnOnce(&mut Additions)) -> bool {
        let mut phase = self.lock();
        match (self.skip.load(Ordering::Relaxed), &self.given) {
            (USED, _) => return false,
            // The span is exported if it gets a sampled parent.
            (UNUSED, Some(given)) if phase.waiting.is_none() => {
                phase.waiting = Some(Waiting::new(given.context.clone()));
            }
            _ => {}
        }
        match &mut phase.waiting {
            Some(waiting) => {
                change(waiting.additions.get_or_insert_default());
                true
            }
            None => false,
        }
    }

    /// Returns `true` if the span can still get another parent.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        match self.skip.load(Ordering::Relaxed) {
            UNUSED => true,
            USED => false,
            _ => self.lock().waiting.is_some(),
        }
    }

    /// Returns the span that stands in for this one in tracing-opentelemetry, or what it takes to make it.
    #[must_use]
    pub fn shadow(&self) -> Shadow {
        let phase = self.lock();
        if let Some(shadow) = &phase.shadow {
            return Shadow::Made(shadow.clone());
        }
        match (&phase.waiting, self.started()) {
            _ if self.is_closed.load(Ordering::Relaxed) => Shadow::Refused,
            (Some(waiting), _) => Shadow::Missing(waiting.parent.clone()),
            (None, Some(started)) => Shadow::Missing(started.context.clone()),
            (None, None) => Shadow::Later,
        }
    }

    /// Keeps the shadow. Returns `false` if the span has ended meanwhile.
    pub fn set_shadow(&self, shadow: Id) -> bool {
        let mut phase = self.lock();
        if self.is_closed.load(Ordering::Relaxed) {
            return false;
        }
        phase.shadow = Some(shadow);
        self.has_shadow.store(true, Ordering::Relaxed);
        true
    }

    /// Notes that the span ends. Returns `None` if it has not started and must start first.
    #[must_use]
    #[inline]
    pub fn close(&self) -> Option<Closed<'_>> {
        let has_shadow = self.has_shadow.load(Ordering::Relaxed);
        if has_shadow && self.skip.load(Ordering::Relaxed) == UNUSED {
            return None;
        }
        let started = self.started()?;
        self.is_closed.store(true, Ordering::Relaxed);
        let shadow = if has_shadow {
            self.lock().shadow.take()
        } else {
            None
        };
        Some(Closed {
            started: (started.kind == Kind::Own).then_some(started),
            shadow,
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
    #[inline(always)]
    fn new(parent: Context) -> Self {
        Self {
            parent,
            start_time: opentelemetry::time::now(),
            additions: None,
        }
    }
}

/// Returns `true` if the parent belongs to an unsampled trace of this process.
#[inline]
fn is_unsampled(parent: &Context) -> bool {
    let span = parent.span();
    let ids = span.span_context();
    ids.is_valid() && !ids.is_sampled() && !ids.is_remote()
}
