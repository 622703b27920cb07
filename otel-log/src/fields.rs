//! Fields that every line gets in addition to the fields of its event and spans.
//!
//! # Examples
//!
//! ```
//! use otel_log::fields;
//!
//! let layer = otel_log::layer()
//!     .with_fields(fields::fixed("service.name", "checkout"))
//!     .with_fields(fields::baggage(["tenant"]));
//! # let _: otel_log::Layer = layer;
//! ```

use std::{
    borrow::Cow,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    slice,
    sync::Arc,
};

use opentelemetry::{Context, baggage::BaggageExt as _};
use otel_core::active_context;

/// One or more fields for [`Layer::with_fields`](crate::Layer::with_fields). Created by the functions of this module.
///
/// The names are reserved for the line. A field of an event or span with the same name gets `field.` in front.
#[derive(Clone)]
#[must_use = "fields are not written until they are passed to Layer::with_fields"]
pub struct Fields(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Cow<'static, str>, String),
    Computed(Cow<'static, str>, Compute),
    Baggage(Vec<Cow<'static, str>>),
}

type Compute = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Creates a field with the same text in every line, such as `service.name`.
pub fn fixed(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Fields {
    Fields(Kind::Fixed(name.into(), value.into()))
}

/// Creates a field whose text is computed for each line. If the function returns `None`, the line is written without the field.
///
/// The function runs on the thread that logs, while the event is dispatched. Keep it short and do not log in it. If it panics,
/// the panic is caught and the line is written without the field.
pub fn computed(
    name: impl Into<Cow<'static, str>>,
    value: impl Fn() -> Option<String> + Send + Sync + 'static,
) -> Fields {
    Fields(Kind::Computed(name.into(), Arc::new(value)))
}

/// Creates a field for each of these entries of the request's baggage. Other entries are never written.
///
/// The values come from the active OpenTelemetry context. A caller can set them, unless the server layer distrusts the caller's
/// baggage, so name only entries that may appear in a log. Secrets are redacted as in other fields.
pub fn baggage<K: Into<String>>(names: impl IntoIterator<Item = K>) -> Fields {
    let names = names.into_iter().map(|name| Cow::Owned(name.into()));
    Fields(Kind::Baggage(names.collect()))
}

impl Fields {
    pub(crate) fn names(&self) -> &[Cow<'static, str>] {
        match &self.0 {
            Kind::Fixed(name, _) | Kind::Computed(name, _) => slice::from_ref(name),
            Kind::Baggage(names) => names,
        }
    }

    /// Returns `true` if callers choose the texts.
    pub(crate) fn is_from_callers(&self) -> bool {
        matches!(self.0, Kind::Baggage(_))
    }

    /// Returns the text that is the same in every line.
    pub(crate) fn fixed_value(&self) -> Option<&str> {
        match &self.0 {
            Kind::Fixed(_, value) => Some(value),
            Kind::Computed(..) | Kind::Baggage(_) => None,
        }
    }

    /// Passes the current texts to `write`, each with the index of its name in [`names`](Self::names).
    pub(crate) fn for_each(&self, mut write: impl FnMut(usize, &str)) {
        match &self.0 {
            Kind::Fixed(_, value) => write(0, value),
            Kind::Computed(_, compute) => {
                if let Ok(Some(value)) = catch_unwind(AssertUnwindSafe(|| compute())) {
                    write(0, &value);
                }
            }
            Kind::Baggage(names) if active_context::is_alive() => {
                Context::map_current(|context| {
                    for (index, name) in names.iter().enumerate() {
                        if let Some(value) = context.baggage().get(name) {
                            write(index, value.as_str());
                        }
                    }
                });
            }
            Kind::Baggage(_) => {}
        }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fields").field(&self.names()).finish()
    }
}
