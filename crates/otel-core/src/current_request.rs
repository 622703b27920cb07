//! The request that is being handled, for the handler and everything it calls.

use std::borrow::Cow;
use std::cell::RefCell;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, Key, KeyValue, TraceId, Value};

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
/// Outside a request, in a skipped request, in a request that is not sampled and not measured, and after the end of the
/// request its methods do nothing.
#[derive(Debug, Clone, Default)]
pub struct CurrentRequest {
    context: Context,
    cell: Arc<Mutex<Cell>>,
}

/// What the application has set on the request.
#[derive(Debug, Default)]
struct Cell {
    is_named: bool,
    error_type: Option<Cow<'static, str>>,
}

impl CurrentRequest {
    /// Returns the request that is being handled on this thread.
    #[must_use]
    pub fn get() -> Self {
        // The thread-local is gone while the thread ends.
        let found = ACTIVE.try_with(|active| active.borrow_mut().as_mut().map(RequestCell::share));
        found.ok().flatten().unwrap_or_default()
    }

    /// Returns `true` if the span is recorded. Otherwise attributes and names need not be computed.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.context.span().is_recording()
    }

    /// Sets an attribute of the span.
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let attribute = KeyValue::new(key, value);
        self.context.span().set_attribute(attribute);
    }

    /// Sets the name of the span. The route no longer changes it.
    ///
    /// Use one of few names: a template, never a path or an id.
    pub fn set_name(&self, name: impl Into<Cow<'static, str>>) {
        lock(&self.cell).is_named = true;
        self.context.span().update_name(name);
    }

    /// Marks the request as failed, whatever its status code: its span ends with ERROR and this `error.type`.
    ///
    /// Use one of few values: an identifier, never a message. The last call counts. An `on_response` hook that sets or
    /// clears the error wins.
    pub fn set_error(&self, error_type: impl Into<Cow<'static, str>>) {
        lock(&self.cell).error_type = Some(error_type.into());
    }
}

/// A request's cell: created by the instrumentation, written by [`CurrentRequest`], read at the end of the request.
///
/// The shared part is allocated only if a handler uses it.
#[doc(hidden)]
#[derive(Debug)]
pub struct RequestCell {
    context: Context,
    cell: Option<Arc<Mutex<Cell>>>,
}

impl RequestCell {
    /// Makes the cell of the request whose span is active in this context.
    #[must_use]
    pub fn new(context: Context) -> Self {
        Self {
            context,
            cell: None,
        }
    }

    fn share(&mut self) -> CurrentRequest {
        CurrentRequest {
            context: self.context.clone(),
            cell: Arc::clone(self.cell.get_or_insert_default()),
        }
    }

    /// Returns `true` if the application has named the span.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.cell.as_ref().is_some_and(|cell| lock(cell).is_named)
    }

    /// Takes the `error.type` that the application has set.
    #[must_use]
    pub fn take_error(&self) -> Option<Cow<'static, str>> {
        lock(self.cell.as_ref()?).error_type.take()
    }
}

/// Makes a request the current one of this thread until this is dropped. `None` leaves the current one unchanged.
#[doc(hidden)]
#[derive(Debug)]
pub struct ActiveRequest<'a>(Option<&'a mut Option<RequestCell>>);

impl<'a> ActiveRequest<'a> {
    /// Makes the request the current one of this thread.
    #[inline]
    pub fn enter(request: &'a mut Option<RequestCell>) -> Self {
        if request.is_none() {
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

/// The current request of a thread, for work that runs on another thread or later.
#[derive(Debug, Clone)]
pub(crate) struct CarriedRequest(Option<CurrentRequest>);

impl CarriedRequest {
    /// Captures the current request, if there is one. Its shared part is then allocated.
    pub(crate) fn current() -> Self {
        let found = ACTIVE.try_with(|active| active.borrow_mut().as_mut().map(RequestCell::share));
        Self(found.ok().flatten())
    }

    /// Makes it the current request of this thread, or no request if none was captured.
    #[inline]
    pub(crate) fn enter(&self) -> EnteredRequest {
        let mut request = self.0.as_ref().map(|request| RequestCell {
            context: request.context.clone(),
            cell: Some(Arc::clone(&request.cell)),
        });
        swap(&mut request);
        EnteredRequest(request)
    }
}

/// Restores the request that was current before, when it is dropped.
#[derive(Debug)]
pub(crate) struct EnteredRequest(Option<RequestCell>);

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
        let active = active.borrow();
        let request = active.as_ref();
        request.is_some_and(|it| it.context.span().span_context().trace_id() == trace)
    });
    found.unwrap_or(false)
}

fn swap(request: &mut Option<RequestCell>) {
    let _ = ACTIVE.try_with(|active| mem::swap(&mut *active.borrow_mut(), request));
}

fn lock(cell: &Mutex<Cell>) -> MutexGuard<'_, Cell> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static ACTIVE: RefCell<Option<RequestCell>> = const { RefCell::new(None) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_current(span: &CurrentRequest) -> bool {
        Arc::ptr_eq(&CurrentRequest::get().cell, &span.cell)
    }

    #[test]
    fn a_request_inside_another_one_gives_the_thread_back() {
        let mut outer = Some(RequestCell::new(Context::new()));
        let mut inner = Some(RequestCell::new(Context::new()));
        let mut skipped = None;
        let active = ActiveRequest::enter(&mut outer);
        let of_outer = CurrentRequest::get();
        {
            let _active = ActiveRequest::enter(&mut inner);
            let of_inner = CurrentRequest::get();
            assert!(is_current(&of_inner) && !is_current(&of_outer));
            let _active = ActiveRequest::enter(&mut skipped);
            assert!(is_current(&of_inner));
        }
        assert!(is_current(&of_outer));
        drop(active);
        assert!(!is_current(&of_outer));
        of_outer.set_error("late");
        assert_eq!(outer.unwrap().take_error(), Some("late".into()));
        assert!(skipped.is_none() && inner.is_some());
    }
}
