//! Fields that every line gets besides those of its event and spans.
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
    sync::Arc,
};

use opentelemetry::{Context, baggage::BaggageExt as _};

use crate::ids;

/// Fields for [`Layer::with_fields`](crate::Layer::with_fields), made by the functions of this module.
///
/// Their names belong to the line: an event's field with such a name gets `field.` in front.
#[derive(Clone)]
#[must_use = "they stand in no line until a layer is told of them"]
pub struct Fields(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Cow<'static, str>, String),
    Computed(Cow<'static, str>, Compute),
    Baggage(Vec<String>),
}

type Compute = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// A field with the same text in every line, such as `service.name`.
pub fn fixed(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Fields {
    Fields(Kind::Fixed(name.into(), value.into()))
}

/// A field whose text is asked for with each line; where it is `None`, the line goes without.
///
/// It is called on the thread that logs, while the event is dispatched: keep it short, and do not log in it. If it panics,
/// the line goes without the field.
pub fn computed(
    name: impl Into<Cow<'static, str>>,
    value: impl Fn() -> Option<String> + Send + Sync + 'static,
) -> Fields {
    Fields(Kind::Computed(name.into(), Arc::new(value)))
}

/// The named entries of the request's baggage, which its caller may have set; other entries are never written.
///
/// Baggage comes from outside unless the server layer distrusts it, so name only what may stand in a log. The values are
/// those of the active OpenTelemetry context.
pub fn baggage<K: Into<String>>(names: impl IntoIterator<Item = K>) -> Fields {
    Fields(Kind::Baggage(names.into_iter().map(Into::into).collect()))
}

impl Fields {
    pub(crate) fn names(&self) -> Vec<&str> {
        match &self.0 {
            Kind::Fixed(name, _) | Kind::Computed(name, _) => vec![name],
            Kind::Baggage(names) => names.iter().map(String::as_str).collect(),
        }
    }

    /// The value that is the same in every line.
    pub(crate) fn fixed_value(&self) -> Option<&str> {
        match &self.0 {
            Kind::Fixed(_, value) => Some(value),
            Kind::Computed(..) | Kind::Baggage(_) => None,
        }
    }

    /// Hands out the values of this moment, each with the place of its name in [`names`](Self::names).
    pub(crate) fn for_each(&self, mut value: impl FnMut(usize, &str)) {
        match &self.0 {
            Kind::Fixed(_, fixed) => value(0, fixed),
            Kind::Computed(_, compute) => {
                if let Ok(Some(computed)) = catch_unwind(AssertUnwindSafe(|| compute())) {
                    value(0, &computed);
                }
            }
            Kind::Baggage(names) if ids::otel_context_is_alive() => {
                Context::map_current(|context| {
                    for (at, name) in names.iter().enumerate() {
                        if let Some(entry) = context.baggage().get(name) {
                            value(at, entry.as_str());
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
