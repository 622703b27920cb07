//! Who is reporting: the resource and its service name.

use opentelemetry::Key;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};

use crate::error::SetupError;
use crate::variable;

const SERVICE_NAME: Key = Key::from_static_str("service.name");

/// Code wins over `OTEL_SERVICE_NAME`, which wins over `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.
pub(crate) fn build(name: Option<&str>) -> Result<Resource, SetupError> {
    let name = match name {
        Some(name) => Some(name.trim().to_owned()),
        None => named_by_env()?,
    };
    let name = name
        .filter(|name| !name.is_empty())
        .ok_or_else(SetupError::missing_service_name)?;
    Ok(Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_detector(Box::new(EnvResourceDetector::new()))
        .with_service_name(name)
        .build())
}

fn named_by_env() -> Result<Option<String>, SetupError> {
    if let Some(name) = variable::read("OTEL_SERVICE_NAME")? {
        return Ok(Some(name));
    }
    let attributes = Resource::builder_empty()
        .with_detector(Box::new(EnvResourceDetector::new()))
        .build();
    Ok(attributes.get(&SERVICE_NAME).map(|name| name.to_string()))
}
