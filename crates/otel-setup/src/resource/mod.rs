//! Who is reporting: the resource and its service name.

mod container;
mod host;
mod kubernetes;
mod process;

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::TelemetryResourceDetector;

use otel_core::redact::Secrets;

use crate::error::SetupError;
use crate::variable;

const SERVICE_NAME: Key = Key::from_static_str("service.name");
const NAME: &str = "OTEL_SERVICE_NAME";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// What code says of the resource.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) service_name: Option<String>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) is_detected: bool,
}

/// Code wins over the environment, and that over what is detected. `OTEL_SERVICE_NAME` wins over `service.name` in
/// `OTEL_RESOURCE_ATTRIBUTES`.
pub(crate) fn build(given: Given, secrets: &Secrets) -> Result<Resource, SetupError> {
    let attributes = from_env()?;
    let name = match given.service_name {
        Some(name) => Some(name.trim().to_owned()),
        None => match named(&given.attributes) {
            Some(name) => Some(name),
            None => variable::read(NAME)?.or_else(|| named(&attributes)),
        },
    };
    let name = name
        .filter(|name| !name.is_empty())
        .ok_or_else(SetupError::missing_service_name)?;
    let builder = Resource::builder_empty().with_detector(Box::new(TelemetryResourceDetector));
    let builder = if given.is_detected {
        let found = host::detect().chain(process::detect());
        builder.with_attributes(found.chain(container::detect()).chain(kubernetes::detect()))
    } else {
        builder
    };
    let mut set = [attributes, given.attributes].concat();
    set.iter_mut().for_each(|it| secrets.redact(it));
    Ok(builder.with_attributes(set).with_service_name(name).build())
}

fn named(attributes: &[KeyValue]) -> Option<String> {
    let name = attributes.iter().rfind(|it| it.key == SERVICE_NAME)?;
    Some(name.value.to_string())
}

/// `key=value,key=value`, percent-encoded. The SDK would skip what it does not understand.
fn from_env() -> Result<Vec<KeyValue>, SetupError> {
    let Some(list) = variable::read(ATTRIBUTES)? else {
        return Ok(Vec::new());
    };
    let parts = list.split(',').map(str::trim).filter(|it| !it.is_empty());
    let attributes: Option<Vec<_>> = parts.map(attribute).collect();
    attributes.ok_or_else(|| {
        SetupError::variable(ATTRIBUTES, &list, "use a list such as team=shop,zone=b")
    })
}

fn attribute(part: &str) -> Option<KeyValue> {
    let (key, value) = part.split_once('=')?;
    let key = variable::percent_decoded(key.trim())?;
    let value = variable::percent_decoded(value.trim())?;
    (!key.is_empty()).then(|| KeyValue::new(key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "OTEL_SERVICE_NAME";
    const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
    const LIST: &str = "service.name=from-attributes,team=shop%2C%20north";

    fn given(service_name: Option<&str>) -> Given {
        Given {
            service_name: service_name.map(str::to_owned),
            attributes: Vec::new(),
            is_detected: false,
        }
    }

    fn get(resource: &Resource, key: &'static str) -> Option<String> {
        let value = resource.get(&Key::from_static_str(key))?;
        Some(value.to_string())
    }

    #[test]
    fn code_wins_over_the_name_wins_over_the_attributes() {
        // code, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, expected
        let table = [
            (Some("code"), Some("name"), Some(LIST), Some("code")),
            (None, Some("name"), Some(LIST), Some("name")),
            (None, None, Some(LIST), Some("from-attributes")),
            (None, Some(""), Some(LIST), Some("from-attributes")),
            (None, Some(" "), None, None),
            (None, None, Some("team=shop"), None),
            (None, None, None, None),
            (Some(""), Some("name"), None, None),
        ];
        for (code, name, attributes, expected) in table {
            let variables = [(NAME, name), (ATTRIBUTES, attributes)];
            let resource =
                temp_env::with_vars(variables, || build(given(code), &Secrets::default()));
            match expected {
                Some(expected) => {
                    let resource = resource.unwrap();
                    assert_eq!(get(&resource, "service.name").unwrap(), expected);
                    assert_eq!(get(&resource, "telemetry.sdk.language").unwrap(), "rust");
                }
                None => assert!(resource.unwrap_err().is_missing_service_name()),
            }
        }
    }

    #[test]
    fn attributes_of_code_win_over_the_environment_over_what_is_detected() {
        let list = "team=shop,process.pid=7,host.name=mine";
        let mut given = given(Some("checkout"));
        given.is_detected = true;
        given.attributes = vec![KeyValue::new("team", "code")];
        let resource = temp_env::with_vars([(ATTRIBUTES, Some(list))], || {
            build(given, &Secrets::default())
        })
        .unwrap();
        assert_eq!(get(&resource, "team").unwrap(), "code");
        assert_eq!(get(&resource, "process.pid").unwrap(), "7");
        assert_eq!(get(&resource, "host.name").unwrap(), "mine");
        assert_eq!(get(&resource, "os.type").unwrap(), std::env::consts::OS);
        assert!(get(&resource, "service.instance.id").is_some());
    }

    #[test]
    fn what_is_detected_can_be_left_out() {
        // With the lock on the environment, which other tests fill.
        let none = [(ATTRIBUTES, None::<&str>)];
        let resource =
            temp_env::with_vars(none, || build(given(Some("checkout")), &Secrets::default()))
                .unwrap();
        for key in ["host.name", "process.pid", "service.instance.id", "os.type"] {
            assert_eq!(get(&resource, key), None);
        }
    }

    #[test]
    fn values_are_percent_decoded_and_a_broken_list_is_an_error() {
        let variables = [(ATTRIBUTES, Some(LIST))];
        let resource = temp_env::with_vars(variables, || {
            build(given(Some("code")), &Secrets::default())
        })
        .unwrap();
        assert_eq!(get(&resource, "team").unwrap(), "shop, north");
        for list in ["team", "=shop", "team=%FF", "a=1,,b"] {
            let variables = [(ATTRIBUTES, Some(list))];
            let error = temp_env::with_vars(variables, || {
                build(given(Some("code")), &Secrets::default())
            })
            .unwrap_err();
            assert!(error.is_invalid_variable(), "{error}");
            assert!(error.to_string().starts_with(ATTRIBUTES), "{error}");
        }
    }

    #[test]
    fn a_pod_tells_its_name_by_variables_and_only_in_a_cluster() {
        let pod = [
            ("POD_NAME", Some("checkout-7f9")),
            ("K8S_NAMESPACE_NAME", Some("shop")),
            ("OTEL_RESOURCE_ATTRIBUTES_NODE_NAME", Some("node-3")),
            ("K8S_POD_UID", Some("")),
        ];
        let mut given = given(Some("checkout"));
        given.is_detected = true;
        for (cluster, is_found) in [(Some("10.0.0.1"), true), (None, false)] {
            let variables = [pod.as_slice(), &[("KUBERNETES_SERVICE_HOST", cluster)]].concat();
            let resource =
                temp_env::with_vars(variables, || build(given.clone(), &Secrets::default()))
                    .unwrap();
            let expected = |value: &str| is_found.then(|| value.to_owned());
            assert_eq!(get(&resource, "k8s.pod.name"), expected("checkout-7f9"));
            assert_eq!(get(&resource, "k8s.namespace.name"), expected("shop"));
            assert_eq!(get(&resource, "k8s.node.name"), expected("node-3"));
            assert_eq!(get(&resource, "k8s.pod.uid"), None);
        }
    }
}
