//! The SERVER span, for the handler and all that it calls.

use std::borrow::Cow;
use std::cell::RefCell;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::{Context, Key, KeyValue, Value};

/// The SERVER span of the request that is being handled, however many spans lie between.
///
/// It is the place for what is learnt of a request on the way, such as `user.id`. A handler takes it as an argument, with
/// the feature `axum`; anything that a handler calls asks for it with [`current`](Self::current):
///
/// ```
/// use otel_tower::RequestSpan;
///
/// #[tracing::instrument]
/// fn sign_in(user: u64) {
///     RequestSpan::current().set_attribute("user.id", user.to_string());
/// }
///
/// async fn home(span: RequestSpan) -> &'static str {
///     span.set_name("GET home");
///     sign_in(42);
///     "welcome"
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(home));
/// ```
///
/// It goes with the request's own task and thread; for others, take it first and move it along. Outside a request, in one
/// that is skipped or that no one records, and when the request has ended, it does nothing.
#[derive(Debug, Clone, Default)]
pub struct RequestSpan {
    context: Context,
    told: Arc<Mutex<Told>>,
}

/// What the application has said of the request, until its end.
#[derive(Debug, Default)]
struct Told {
    is_named: bool,
    error_type: Option<Cow<'static, str>>,
}

impl RequestSpan {
    /// Returns the span of the request that this is called in.
    #[must_use]
    pub fn current() -> Self {
        // A thread that is going away serves no one.
        let found = SERVING.try_with(|serving| serving.borrow_mut().as_mut().map(Serving::span));
        found.ok().flatten().unwrap_or_default()
    }

    /// Whether what is said here reaches anyone. It saves the work of making it where it does not.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.context.span().is_recording()
    }

    /// Adds an attribute to the span.
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl Into<Value>) {
        let attribute = KeyValue::new(key, value);
        self.context.span().set_attribute(attribute);
    }

    /// Names the span, also where its route is learnt later. Names should be few: a template, never a path or an id.
    pub fn set_name(&self, name: impl Into<Cow<'static, str>>) {
        lock(&self.told).is_named = true;
        self.context.span().update_name(name);
    }

    /// Says that the request has failed, whatever its status code: its span ends with ERROR and this `error.type`.
    ///
    /// The values should be few: an identifier, never a message. The last one counts; what an `on_response` hook says
    /// comes first.
    pub fn set_error(&self, error_type: impl Into<Cow<'static, str>>) {
        lock(&self.told).error_type = Some(error_type.into());
    }
}

#[cfg(feature = "axum")]
impl<S: Sync> axum::extract::FromRequestParts<S> for RequestSpan {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        _: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self::current())
    }
}

/// What a request brings to its thread while it runs. Few ask for it, so the rest is made when one does.
#[derive(Debug)]
pub(crate) struct Serving {
    context: Context,
    told: Option<Arc<Mutex<Told>>>,
}

impl Serving {
    pub(crate) fn new(context: Context) -> Self {
        Self {
            context,
            told: None,
        }
    }

    fn span(&mut self) -> RequestSpan {
        RequestSpan {
            context: self.context.clone(),
            told: Arc::clone(self.told.get_or_insert_default()),
        }
    }

    pub(crate) fn is_named(&self) -> bool {
        self.told.as_ref().is_some_and(|told| lock(told).is_named)
    }

    pub(crate) fn take_error(&self) -> Option<Cow<'static, str>> {
        lock(self.told.as_ref()?).error_type.take()
    }
}

/// Exchanges the request with the one that is served around it, until it is dropped. One that has nothing to tell
/// leaves that one where it is.
pub(crate) struct Served<'a>(Option<&'a mut Option<Serving>>);

impl<'a> Served<'a> {
    pub(crate) fn enter(serving: &'a mut Option<Serving>) -> Self {
        if serving.is_none() {
            return Self(None);
        }
        exchange(serving);
        Self(Some(serving))
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        if let Some(serving) = self.0.as_mut() {
            exchange(serving);
        }
    }
}

fn exchange(serving: &mut Option<Serving>) {
    let _ = SERVING.try_with(|current| mem::swap(&mut *current.borrow_mut(), serving));
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static SERVING: RefCell<Option<Serving>> = const { RefCell::new(None) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_current(span: &RequestSpan) -> bool {
        Arc::ptr_eq(&RequestSpan::current().told, &span.told)
    }

    #[test]
    fn a_request_inside_another_one_gives_the_thread_back() {
        let serving = || Some(Serving::new(Context::new()));
        let (mut outer, mut inner, mut skipped) = (serving(), serving(), None);
        let served = Served::enter(&mut outer);
        let of_outer = RequestSpan::current();
        {
            let _served = Served::enter(&mut inner);
            let of_inner = RequestSpan::current();
            assert!(is_current(&of_inner) && !is_current(&of_outer));
            let _served = Served::enter(&mut skipped);
            assert!(is_current(&of_inner));
        }
        assert!(is_current(&of_outer));
        drop(served);
        assert!(!is_current(&of_outer));
        of_outer.set_error("late");
        assert_eq!(outer.unwrap().take_error(), Some("late".into()));
        assert!(skipped.is_none() && inner.is_some());
    }
}
