//! The spans around work that was handed to another task or thread, with their fields, without keeping the spans open.
//!
//! A layer that writes the fields of spans registers how they are read ([`register`]). `otel_core::task` takes them where the work is
//! captured ([`capture`]), and makes them the spans around the work while it runs ([`ActiveSpans`]). Each new span of the work keeps them ([`Active`]).

use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::iter;
use std::sync::{Arc, OnceLock};

use smallvec::SmallVec;
use tracing::span::Id;
use tracing::{Dispatch, Metadata, Subscriber, dispatcher};

use super::kept_field::{KeptField, KeptFields};

/// How many spans are usually around a handler.
const USUAL: usize = 2;
/// The most spans that are carried, for jobs that start jobs without end.
const MAX_SPANS: usize = 64;

/// The spans that were current where work was captured.
#[derive(Debug, Default)]
pub struct CarriedSpans {
    /// Innermost first.
    spans: SmallVec<[CarriedSpan; USUAL]>,
    /// The spans around these spans, if they were carried too.
    around: Option<Arc<Self>>,
    /// The number of all spans.
    len: usize,
}

/// A span as it was when work was captured.
#[derive(Debug)]
pub struct CarriedSpan {
    metadata: &'static Metadata<'static>,
    fields: KeptFields,
}

impl CarriedSpans {
    /// Adds the span around the last one, with a copy of its fields.
    pub fn push(&mut self, metadata: &'static Metadata<'static>, fields: &[KeptField]) {
        if self.len < MAX_SPANS {
            let fields = fields.iter().cloned().collect();
            self.spans.push(CarriedSpan { metadata, fields });
            self.len += 1;
        }
    }

    /// Sets the spans around the last one, which were carried before. They are left out if there are too many.
    pub fn set_around(&mut self, around: &Arc<Self>) {
        if self.len + around.len <= MAX_SPANS {
            self.len += around.len;
            self.around = Some(Arc::clone(around));
        }
    }

    /// Returns the spans, the innermost first.
    pub fn iter(&self) -> impl Iterator<Item = &CarriedSpan> {
        let all = iter::successors(Some(self), |spans| spans.around.as_deref());
        all.flat_map(|spans| &spans.spans)
    }
}

impl CarriedSpan {
    /// Returns the callsite of the span.
    #[must_use]
    pub fn metadata(&self) -> &'static Metadata<'static> {
        self.metadata
    }

    /// Returns the fields in the order in which they were recorded.
    #[must_use]
    pub fn fields(&self) -> &[KeptField] {
        &self.fields
    }
}

/// Reads a span and the spans around it. Returns `None` if the dispatch has another subscriber.
type Read = fn(&Dispatch, &Id) -> Option<CarriedSpans>;

/// How the spans of one type of subscriber are read. A list that only grows is read without a lock.
struct Reader {
    subscriber: TypeId,
    read: Read,
    next: OnceLock<Box<Reader>>,
}

static FIRST_READER: OnceLock<Reader> = OnceLock::new();

/// Registers how the spans of subscribers of type `S` are read.
pub fn register<S: Subscriber>(read: Read) {
    let subscriber = TypeId::of::<S>();
    let new = || Reader {
        subscriber,
        read,
        next: OnceLock::new(),
    };
    let mut reader = FIRST_READER.get_or_init(new);
    while reader.subscriber != subscriber {
        reader = reader.next.get_or_init(|| Box::new(new()));
    }
}

/// Returns the spans that are current on this thread. Returns `None` if no layer writes their fields.
#[must_use]
pub fn capture(dispatch: &Dispatch) -> Option<Arc<CarriedSpans>> {
    let first = FIRST_READER.get()?;
    let current = dispatch.current_span();
    let current = current.id();
    let active = Active::get();
    if let Some(active) = active.filter(|active| active.outside.as_ref() == current) {
        return Some(active.spans);
    }
    let current = current?;
    let mut readers = iter::successors(Some(first), |reader| reader.next.get().map(|next| &**next));
    let spans = readers.find_map(|reader| (reader.read)(dispatch, current));
    spans.map(Arc::new)
}

/// Makes carried spans the spans around everything on this thread, until this is dropped.
#[derive(Debug)]
pub struct ActiveSpans(Option<Option<Active>>);

/// The spans around the work that runs on this thread.
#[derive(Debug, Clone)]
pub struct Active {
    spans: Arc<CarriedSpans>,
    /// The span that was current when the work began. It is not a span of the work.
    outside: Option<Id>,
}

impl Active {
    /// Returns the spans around the work that runs on this thread. Returns `None` if none were carried.
    #[inline]
    #[must_use]
    pub fn get() -> Option<Self> {
        if IS_ACTIVE.get() {
            ACTIVE.try_with(|active| active.borrow().clone()).ok()?
        } else {
            None
        }
    }

    /// Returns the spans.
    #[must_use]
    pub fn spans(&self) -> &Arc<CarriedSpans> {
        &self.spans
    }

    /// Returns `true` if this span was current when the work began, so it is not a span of the work.
    #[must_use]
    pub fn is_outside(&self, span: &Id) -> bool {
        self.outside.as_ref() == Some(span)
    }

    /// Returns the spans for a new span of this thread, which has no explicit parent: those of the work if the span belongs to it.
    ///
    /// `parent` is the id of the span's parent, and what the parent keeps. A span that was made elsewhere does not belong to the work.
    #[must_use]
    pub fn into_spans_of_child(
        self,
        parent: Option<(Id, Option<Arc<CarriedSpans>>)>,
    ) -> Option<Arc<CarriedSpans>> {
        let is_of_work = match parent {
            None => true,
            Some((id, _)) if self.is_outside(&id) => true,
            Some((_, kept)) => kept.is_some_and(|kept| Arc::ptr_eq(&kept, &self.spans)),
        };
        is_of_work.then_some(self.spans)
    }
}

impl ActiveSpans {
    /// Makes these spans the spans around everything on this thread. `None` hides those of work further out.
    #[inline]
    #[must_use]
    pub fn enter(spans: Option<&Arc<CarriedSpans>>) -> Self {
        if spans.is_none() && !IS_ACTIVE.get() {
            return Self(None);
        }
        let active = spans.map(|spans| Active {
            spans: Arc::clone(spans),
            outside: dispatcher::get_default(|dispatch| dispatch.current_span().id().cloned()),
        });
        Self(Some(replace(active)))
    }
}

impl Drop for ActiveSpans {
    #[inline]
    fn drop(&mut self) {
        if let Some(previous) = self.0.take() {
            replace(previous);
        }
    }
}

fn replace(active: Option<Active>) -> Option<Active> {
    IS_ACTIVE.set(active.is_some());
    // The thread local is gone while the thread ends.
    ACTIVE.try_with(|cell| cell.replace(active)).ok().flatten()
}

thread_local! {
    static IS_ACTIVE: Cell<bool> = const { Cell::new(false) };
    static ACTIVE: RefCell<Option<Active>> = const { RefCell::new(None) };
}
