//! What the application says about the request that is being handled.

use std::borrow::Cow;
use std::cell::RefCell;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::{SpanId, TraceContextExt as _, TraceId};
use opentelemetry::{Context, Key, KeyValue, Value};

use crate::span_changes::{ErrorDecision, SpanChanges};

/// The SERVER span of the request that is being handled, at any depth of nested spans.
///
/// Use it for what a handler learns about its request, such as `user.id`:
///
/// ```
/// use otel_core::CurrentRequest;
///
/// #[tracing::instrument]
/// fn sign_in(user: u64) {
///     CurrentRequest::get().set_attribute("user.id", user.to_string());
/// }
/// # sign_in(42);
/// ```
///
/// The value belongs to the request's own task and thread. For other tasks and threads, get it first and move it there.
/// Outside a request, in a skipped request, and after the end of the request its methods do nothing.
#[derive(Debug, Clone, Default)]
pub struct CurrentRequest {
    facts: RequestFacts,
    changes: Arc<Mutex<SpanChanges>>,
}

/// What does not change during a request.
#[derive(Debug, Clone, Default)]
struct RequestFacts {
    context: Context,
    is_request: bool,
    has_own_span: bool,
    is_recording: bool,
}

impl CurrentRequest {
    /// Returns the request that is being handled on this thread.
    #[must_use]
    pub fn get() -> Self {
        // The thread-local is gone while the thread ends.
        let found = ACTIVE.try_with(|active| active.borrow_mut().share());
        found.ok().flatten().unwrap_or_default()
    }

    /// Returns `true` if the span is recorded. Otherwise attributes and names need not be computed.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.facts.is_recording && self.facts.context.span().is_recording()
    }

    /// Returns the trace id of the request, also if its span is not sampled. Returns `None` if there is no trace.
    ///
    /// For the body of an error response, so that a user can report the id. Without an SDK this is the caller's trace id.
    #[must_use]
    pub fn trace_id(&self) -> Option<TraceId> {
        let span = self.facts.context.span();
        let ids = span.span_context();
        ids.is_valid().then(|| ids.trace_id())
    }

    /// Returns the span id of the SERVER span, also if it is not sampled. Returns `None` if the request has no span.
    #[must_use]
    pub fn span_id(&self) -> Option<SpanId> {
        let span = self.facts.context.span();
        let is_own = self.facts.has_own_span;
        is_own.then(|| span.span_context().span_id())
    }

    /// Sets an attribute of the span. It replaces the value that the instrumentation sets, for example that of `http.route`.
    ///
    /// The attribute is written when the request ends. The last value of a key counts. At most 1,000 keys are kept.
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl Into<Value>) {
        if self.is_recording() {
            // A conversion is the application's code, so it runs before the lock is taken.
            let attribute = KeyValue::new(key, value);
            lock(&self.changes).set_attribute(attribute);
        }
    }

    /// Sets the name of the span. The route no longer changes it.
    ///
    /// Use one of few names: a template, never a path or an id.
    pub fn set_name(&self, name: impl Into<Cow<'static, str>>) {
        let name = name.into();
        lock(&self.changes).set_named();
        if self.is_recording() {
            self.facts.context.span().update_name(name);
        }
    }

    /// Marks the request as failed, whatever its status code: its span ends with ERROR and this `error.type`.
    ///
    /// Use one of few values: an identifier, never a message. The last word counts: of this method, of
    /// [`error::record`](crate::error::record), and of the hooks that run later.
    pub fn set_error(&self, error_type: impl Into<Cow<'static, str>>) {
        let error = ErrorDecision::error(error_type.into(), None);
        lock(&self.changes).decide(error);
    }

    /// Adds an attribute to the metrics of the request. The last value of a key counts.
    ///
    /// It cannot replace an attribute of the conventions. Use few values: each combination is a separate time series. Without a
    /// meter provider it does nothing.
    pub fn add_metric_attribute(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let attribute = KeyValue::new(key, value);
        lock(&self.changes).add_metric_attribute(attribute);
    }
}

/// A request's cell: created by the instrumentation, written by [`CurrentRequest`] and by hooks, read at the end of the request.
///
/// The shared part is allocated only if something is written.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct RequestCell {
    facts: RequestFacts,
    changes: Option<Arc<Mutex<SpanChanges>>>,
}

impl RequestCell {
    /// Makes the cell of the request whose span is active in this context.
    ///
    /// If the request has no own span, the span of the context is never changed.
    #[must_use]
    #[inline]
    pub fn new(context: Context, has_own_span: bool, is_recording: bool) -> Self {
        Self {
            facts: RequestFacts {
                context,
                is_request: true,
                has_own_span,
                is_recording: is_recording && has_own_span,
            },
            changes: None,
        }
    }

    /// Makes a cell that only has the context, for a request that is skipped. It never becomes the current one.
    #[must_use]
    pub fn empty(context: Context) -> Self {
        let mut cell = Self::new(context, false, false);
        cell.facts.is_request = false;
        cell
    }

    /// Returns the context of the request: its span and its baggage.
    #[must_use]
    #[inline]
    pub fn context(&self) -> &Context {
        &self.facts.context
    }

    /// Returns `true` if the request has its own span and the span is recorded.
    #[must_use]
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.facts.is_recording
    }

    /// Returns `true` if the request has its own span, sampled or not.
    #[must_use]
    #[inline]
    pub fn has_own_span(&self) -> bool {
        self.facts.has_own_span
    }

    /// Returns `true` if the application has named the span.
    #[must_use]
    pub fn is_named(&self) -> bool {
        let changes = self.changes.as_ref();
        changes.is_some_and(|changes| lock(changes).is_named())
    }

    /// Calls `change` with the changes of the span, for hooks.
    pub fn change(&mut self, change: impl FnOnce(&mut SpanChanges)) {
        change(&mut lock(self.changes.get_or_insert_default()));
    }

    /// Takes the changes that the application has made until now. Returns `None` if there are none.
    #[must_use]
    #[inline]
    pub fn take_changes(&self) -> Option<Box<SpanChanges>> {
        let changes = self.changes.as_ref()?;
        Some(Box::new(mem::take(&mut *lock(changes))))
    }

    /// Returns `None` outside a request.
    fn share(&mut self) -> Option<CurrentRequest> {
        self.facts.is_request.then(|| CurrentRequest {
            facts: self.facts.clone(),
            changes: Arc::clone(self.changes.get_or_insert_default()),
        })
    }
}

/// Records an error on the request that is being handled, if the active span is the request's.
///
/// Returns `true` if the request then writes the error on that span when it ends. If the request has no own span, everything
/// that runs without a new span is part of it.
pub(crate) fn record_error(
    active: &Context,
    error_type: &'static str,
    message: Option<&str>,
) -> bool {
    let recorded = ACTIVE.try_with(|request| {
        let mut request = request.borrow_mut();
        let cell = &mut *request;
        let is_of_request = cell.facts.is_request && span_id(active) == span_id(cell.context());
        if is_of_request {
            let message = message.map(str::to_owned);
            let error = ErrorDecision::error(error_type.into(), message);
            cell.change(|changes| changes.decide(error));
        }
        is_of_request && cell.has_own_span()
    });
    recorded.unwrap_or(false)
}

/// The current request of a thread, for work that runs on another thread or later.
#[derive(Debug, Clone)]
pub(crate) struct CarriedRequest(Option<CurrentRequest>);

impl CarriedRequest {
    /// Captures the current request, if there is one. Its shared part is then allocated.
    pub(crate) fn current() -> Self {
        let found = ACTIVE.try_with(|active| active.borrow_mut().share());
        Self(found.ok().flatten())
    }

    /// Makes it the current request of this thread, or no request if none was captured.
    #[inline]
    pub(crate) fn enter(&self) -> EnteredRequest {
        let mut request = match &self.0 {
            Some(request) => RequestCell {
                facts: request.facts.clone(),
                changes: Some(Arc::clone(&request.changes)),
            },
            None => RequestCell::default(),
        };
        swap(&mut request);
        EnteredRequest(request)
    }
}

/// Restores the request that was current before, when it is dropped.
#[derive(Debug)]
pub(crate) struct EnteredRequest(RequestCell);

impl Drop for EnteredRequest {
    #[inline]
    fn drop(&mut self) {
        swap(&mut self.0);
    }
}

/// Returns `true` if the current request of this thread has a span in this trace.
#[doc(hidden)]
#[must_use]
pub fn is_current_in(trace: TraceId) -> bool {
    let found = ACTIVE.try_with(|active| {
        let facts = &active.borrow().facts;
        facts.is_request && facts.context.span().span_context().trace_id() == trace
    });
    found.unwrap_or(false)
}

fn span_id(context: &Context) -> SpanId {
    context.span().span_context().span_id()
}

/// Makes a request the current one of this thread until this is dropped. An empty cell leaves the current one unchanged.
#[doc(hidden)]
#[derive(Debug)]
pub struct ActiveRequest<'a>(Option<&'a mut RequestCell>);

impl<'a> ActiveRequest<'a> {
    /// Makes the request the current one of this thread.
    #[inline]
    pub fn enter(request: &'a mut RequestCell) -> Self {
        if !request.facts.is_request {
            return Self(None);
        }
        swap(request);
        Self(Some(request))
    }
}

impl Drop for ActiveRequest<'_> {
    #[inline]
    fn drop(&mut self) {
        if let Some(request) = self.0.as_mut() {
            swap(request);
        }
    }
}

fn swap(request: &mut RequestCell) {
    let _ = ACTIVE.try_with(|active| mem::swap(&mut *active.borrow_mut(), request));
}

fn lock(changes: &Mutex<SpanChanges>) -> MutexGuard<'_, SpanChanges> {
    changes.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    /// Empty outside a request.
    static ACTIVE: RefCell<RequestCell> = RefCell::default();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell() -> RequestCell {
        RequestCell::new(Context::new(), false, false)
    }

    fn is_current(request: &CurrentRequest) -> bool {
        Arc::ptr_eq(&CurrentRequest::get().changes, &request.changes)
    }

    #[test]
    fn a_request_inside_another_one_gives_the_thread_back() {
        let (mut outer, mut inner) = (cell(), cell());
        let active = ActiveRequest::enter(&mut outer);
        let of_outer = CurrentRequest::get();
        {
            let _active = ActiveRequest::enter(&mut inner);
            let of_inner = CurrentRequest::get();
            assert!(is_current(&of_inner) && !is_current(&of_outer));
        }
        assert!(is_current(&of_outer));
        drop(active);
        assert!(!is_current(&of_outer));
        of_outer.set_error("late");
        let changes = outer.take_changes().unwrap();
        let late = ErrorDecision::error("late".into(), None);
        assert_eq!(changes.error(), Some(&late));
        assert!(inner.take_changes().is_some());
    }
}
