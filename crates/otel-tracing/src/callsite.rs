//! What is decided once for each span callsite.

use std::sync::LazyLock;

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::trace::SdkTracer;
use otel_core::callsites::Callsites;
use otel_core::redact::{FieldKind, Secrets};
use tracing_core::Metadata;

/// The crates of this project that make spans. Their targets begin with these names.
const OURS: [&str; 4] = [
    "otel_exchange",
    "otel_messaging",
    "otel_reqwest",
    "otel_tower",
];

pub(crate) const CODE_FUNCTION_NAME: &str = "code.function.name";

/// The decisions for the spans of one callsite.
#[derive(Debug)]
pub(crate) struct SpanPlan {
    pub(crate) name: &'static str,
    /// The name of each field, and what it is for.
    pub(crate) fields: Box<[(&'static str, Role)]>,
    /// The value of `code.function.name`.
    pub(crate) function_name: Option<&'static str>,
    pub(crate) tracer: SdkTracer,
}

/// What a field of a span is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Attribute(FieldKind),
    /// The field `otel.name`.
    Name,
    /// The field `otel.kind`.
    Kind,
    /// The field `otel.status_code`.
    StatusCode,
    /// The field `otel.status_description`.
    StatusDescription,
}

impl Role {
    fn from_name(name: &str, secrets: &Secrets) -> Self {
        match name {
            "otel.name" => Self::Name,
            "otel.kind" => Self::Kind,
            "otel.status_code" => Self::StatusCode,
            "otel.status_description" => Self::StatusDescription,
            _ => Self::Attribute(secrets.field_kind(name)),
        }
    }
}

/// Returns the names and roles of the callsite's fields.
pub(crate) fn fields(
    metadata: &'static Metadata<'static>,
    secrets: &Secrets,
) -> Box<[(&'static str, Role)]> {
    let names = metadata.fields().iter().map(|field| field.name());
    // The name of a raw identifier is `r#type`.
    let names = names.map(|name| name.strip_prefix("r#").unwrap_or(name));
    names
        .map(|name| (name, Role::from_name(name, secrets)))
        .collect()
}

/// Returns `module_path::name`, or the name if the span has no module path.
///
/// Returns `None` if the span has a field `code.function.name`.
pub(crate) fn function_name(metadata: &'static Metadata<'static>) -> Option<&'static str> {
    if metadata.fields().field(CODE_FUNCTION_NAME).is_some() {
        return None;
    }
    // Attribute values are static or counted by atomics. There is one text for each callsite of the program, however many
    // layers there are.
    static NAMES: LazyLock<Callsites<&'static str>> = LazyLock::new(Callsites::new);
    let name = NAMES.get(metadata, || match metadata.module_path() {
        Some(module) => Box::leak(format!("{module}::{}", metadata.name()).into_boxed_str()),
        None => metadata.name(),
    });
    Some(name)
}

/// Returns the scope of a span that is made by a crate of this project.
pub(crate) fn own_scope(metadata: &Metadata<'_>) -> Option<InstrumentationScope> {
    let target = metadata.target();
    let name = target.split("::").next().unwrap_or(target);
    let name = OURS.into_iter().find(|known| *known == name)?;
    let scope = InstrumentationScope::builder(name)
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(otel_core::SCHEMA_URL);
    Some(scope.build())
}
