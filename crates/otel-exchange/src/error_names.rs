//! What the application calls its own errors.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use otel_core::span_fields::text::chain;

use crate::callback;

/// The functions that name errors, in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct ErrorNames(Vec<Arc<dyn NameError>>);

impl ErrorNames {
    /// Adds a function for errors of the type `E`.
    pub(crate) fn add<E, N>(&mut self, name: impl Fn(&E) -> N + Send + Sync + 'static)
    where
        E: Error + 'static,
        N: Into<Option<&'static str>> + 'static,
    {
        self.0.push(Arc::new(Function {
            name: move |error: &E| name(error).into(),
            error: PhantomData,
        }));
    }

    /// Returns the name of an error, or of the first of its causes that has one. Returns `None` if no function names it.
    pub(crate) fn find<E: 'static>(
        &self,
        error: &E,
        known: Option<&(dyn Error + 'static)>,
    ) -> Option<&'static str> {
        if self.0.is_empty() {
            return None;
        }
        let of_causes = || {
            let mut causes = known.into_iter().flat_map(chain);
            causes.find_map(|cause| self.first(|function| function.of_cause(cause)))
        };
        let found = callback::call("error_type", || {
            self.first(|function| function.of_value(error))
                .or_else(of_causes)
        });
        found.flatten()
    }

    fn first(&self, name: impl Fn(&dyn NameError) -> Option<&'static str>) -> Option<&'static str> {
        self.0.iter().find_map(|function| name(&**function))
    }
}

impl fmt::Debug for ErrorNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ErrorNames").field(&self.0.len()).finish()
    }
}

/// A function that names errors of one type.
trait NameError: Send + Sync {
    /// Names an error whose type has no bounds, also in a `Box` or an `Arc`.
    fn of_value(&self, error: &dyn Any) -> Option<&'static str>;

    /// Names an erased error.
    fn of_cause(&self, error: &(dyn Error + 'static)) -> Option<&'static str>;
}

struct Function<E, F> {
    name: F,
    error: PhantomData<fn(&E)>,
}

impl<E, F> NameError for Function<E, F>
where
    E: Error + 'static,
    F: Fn(&E) -> Option<&'static str> + Send + Sync,
{
    fn of_value(&self, error: &dyn Any) -> Option<&'static str> {
        let error = error
            .downcast_ref()
            .or_else(|| error.downcast_ref::<Box<E>>().map(|error| &**error))
            .or_else(|| error.downcast_ref::<Arc<E>>().map(|error| &**error));
        (self.name)(error?)
    }

    fn of_cause(&self, error: &(dyn Error + 'static)) -> Option<&'static str> {
        let error = error
            .downcast_ref()
            .or_else(|| error.downcast_ref::<Arc<E>>().map(|error| &**error));
        (self.name)(error?)
    }
}
