//! Who is reporting: the resource and its service name.

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};

use crate::error::SetupError;
use crate::variable;

const SERVICE_NAME: Key = Key::from_static_str("service.name");

/// Code wins over `OTEL_SERVICE_NAME`, which wins over `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.
pub(crate) fn build(name: Option<&str>, given: Vec<KeyValue>) -> Result<Resource, SetupError> {
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
        .with_attributes(given)
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

#[cfg(test)]
mod tests {
    use super::*;

    const ATTRIBUTES: &str = "service.name=from-attributes,team=shop";

    #[test]
    fn code_wins_over_the_name_wins_over_the_attributes() {
        // code, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, expected
        let table = [
            (Some("code"), Some("name"), Some(ATTRIBUTES), Some("code")),
            (None, Some("name"), Some(ATTRIBUTES), Some("name")),
            (None, None, Some(ATTRIBUTES), Some("from-attributes")),
            (None, Some(""), Some(ATTRIBUTES), Some("from-attributes")),
            (None, Some(" "), None, None),
            (None, None, Some("team=shop"), None),
            (None, None, None, None),
            (Some(""), Some("name"), None, None),
        ];
        for (code, name, attributes, expected) in table {
            let variables = [
                ("OTEL_SERVICE_NAME", name),
                ("OTEL_RESOURCE_ATTRIBUTES", attributes),
            ];
            let resource = temp_env::with_vars(variables, || build(code, Vec::new()));
            match expected {
                Some(expected) => {
                    let resource = resource.unwrap();
                    let found = resource.get(&SERVICE_NAME).unwrap().to_string();
                    assert_eq!(found, expected);
                    let sdk = resource.get(&Key::from_static_str("telemetry.sdk.language"));
                    assert_eq!(sdk.unwrap().to_string(), "rust");
                }
                None => assert!(resource.unwrap_err().is_missing_service_name()),
            }
        }
    }

    #[test]
    fn other_attributes_of_the_environment_stay() {
        let variables = [("OTEL_RESOURCE_ATTRIBUTES", Some(ATTRIBUTES))];
        let resource = temp_env::with_vars(variables, || build(Some("code"), Vec::new())).unwrap();
        let team = resource.get(&Key::from_static_str("team")).unwrap();
        assert_eq!(team.to_string(), "shop");
    }
}
