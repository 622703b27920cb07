//! Who is reporting: the resource and its service name.

mod container;
mod host;
mod kubernetes;
mod process;

use std::env;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{ResourceDetector, TelemetryResourceDetector};
use otel_core::redact::Secrets;

use crate::variables::{Environment, table};
use crate::warning::{EventName, Warning};

const SERVICE_NAME: Key = Key::from_static_str("service.name");

/// What code has set about the resource.
pub(crate) struct ResourceSettings {
    /// Used if the environment names no service.
    pub(crate) service_name: Option<String>,
    /// Used in any case.
    pub(crate) override_service_name: Option<String>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) detectors: Vec<Box<dyn ResourceDetector + Send>>,
    pub(crate) is_detected: bool,
}

/// The name of the service, and the name of the environment that it replaces.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServiceName {
    pub(crate) name: String,
    pub(crate) replaced: Option<String>,
}

impl Default for ResourceSettings {
    fn default() -> Self {
        Self {
            service_name: None,
            override_service_name: None,
            attributes: Vec::new(),
            detectors: Vec::new(),
            is_detected: true,
        }
    }
}

impl ResourceSettings {
    /// Builds the resource. The environment wins over code, code wins over its detectors, and these win over detected attributes.
    pub(crate) fn build(
        self,
        environment: &Environment,
        secrets: &Secrets,
    ) -> (Resource, ServiceName) {
        let variables = environment.get(&table::RESOURCE_ATTRIBUTES, None).0;
        let service_name = self.service_name(environment, &variables);
        let mut builder =
            Resource::builder_empty().with_detector(Box::new(TelemetryResourceDetector));
        if self.is_detected {
            let found = host::detect().chain(process::detect());
            let found = found.chain(container::detect()).chain(kubernetes::detect());
            builder = builder.with_attributes(found);
        }
        for detector in self.detectors {
            let found = catch_unwind(AssertUnwindSafe(|| detector.detect()));
            let Ok(found) = found else {
                environment.add(Warning::new(
                    EventName::InvalidSetting,
                    "a resource detector of the program panicked; its attributes are left out",
                ));
                continue;
            };
            let attributes = found.iter().map(|(key, value)| {
                let mut attribute = KeyValue::new(key.clone(), value.clone());
                secrets.redact(&mut attribute);
                attribute
            });
            let attributes: Vec<_> = attributes.collect();
            builder = match found.schema_url() {
                Some(url) => builder.with_schema_url(attributes, url.to_owned()),
                None => builder.with_attributes(attributes),
            };
        }
        let mut attributes = [self.attributes, variables].concat();
        attributes.iter_mut().for_each(|it| secrets.redact(it));
        let builder = builder.with_attributes(attributes);
        let resource = builder.with_service_name(service_name.name.clone()).build();
        (resource, service_name)
    }

    /// Finds the name: `OTEL_SERVICE_NAME`, `service.name` in `OTEL_RESOURCE_ATTRIBUTES`, then code.
    fn service_name(&self, environment: &Environment, variables: &[KeyValue]) -> ServiceName {
        let from_environment = environment
            .get(&table::SERVICE_NAME, None)
            .or_else(|| named(variables));
        if let Some(name) = not_empty(self.override_service_name.as_ref()) {
            let replaced = from_environment.filter(|replaced| *replaced != name);
            return ServiceName { name, replaced };
        }
        let name = from_environment
            .or_else(|| not_empty(self.service_name.as_ref()))
            .or_else(|| named(&self.attributes))
            .unwrap_or_else(|| {
                let name = unknown_service();
                environment.add(Warning::new(
                    EventName::NoServiceName,
                    format!(
                        "no service name: give one to otel_setup::init, or set OTEL_SERVICE_NAME or service.name in \
                         OTEL_RESOURCE_ATTRIBUTES; {name} is used instead"
                    ),
                ));
                name
            });
        ServiceName {
            name,
            replaced: None,
        }
    }
}

/// Returns the conventions' name of a service without a name.
fn unknown_service() -> String {
    let path = env::current_exe().ok();
    let name = path.as_ref().and_then(|path| path.file_name()?.to_str());
    match name {
        Some(name) => format!("unknown_service:{name}"),
        None => "unknown_service".to_owned(),
    }
}

fn named(attributes: &[KeyValue]) -> Option<String> {
    let name = attributes.iter().rfind(|it| it.key == SERVICE_NAME)?;
    not_empty(Some(&name.value.to_string()))
}

fn not_empty(name: Option<&String>) -> Option<String> {
    let name = name?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

impl fmt::Debug for ResourceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceSettings")
            .field("service_name", &self.service_name)
            .field("is_detected", &self.is_detected)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_environment;

    const NAME: &str = "OTEL_SERVICE_NAME";
    const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
    const LIST: &str = "service.name=from-attributes,team=shop%2C%20north";

    fn settings(service_name: Option<&str>) -> ResourceSettings {
        ResourceSettings {
            service_name: service_name.map(str::to_owned),
            is_detected: false,
            ..ResourceSettings::default()
        }
    }

    fn build(settings: ResourceSettings, variables: &[(&str, Option<&str>)]) -> Resource {
        let build = || settings.build(&Environment::default(), &Secrets::default());
        let (resource, service) = test_environment::with_vars(variables, build);
        assert_eq!(get(&resource, "service.name").unwrap(), service.name);
        resource
    }

    fn get(resource: &Resource, key: &'static str) -> Option<String> {
        let value = resource.get(&Key::from_static_str(key))?;
        Some(value.to_string())
    }

    #[test]
    fn the_environment_names_the_service_and_code_only_if_it_does_not() {
        // code, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, expected
        let unknown = unknown_service();
        assert!(
            unknown.starts_with("unknown_service:otel_setup"),
            "{unknown}"
        );
        let table = [
            (Some("code"), Some("name"), Some(LIST), "name"),
            (Some("code"), None, Some(LIST), "from-attributes"),
            (Some("code"), Some(""), None, "code"),
            (None, Some("name"), Some(LIST), "name"),
            (None, Some(" "), Some(LIST), "from-attributes"),
            (None, None, Some("team=shop"), &unknown),
            (Some(" "), None, None, &unknown),
        ];
        for (code, name, attributes, expected) in table {
            let resource = build(settings(code), &[(NAME, name), (ATTRIBUTES, attributes)]);
            assert_eq!(get(&resource, "service.name").unwrap(), expected);
            assert_eq!(get(&resource, "telemetry.sdk.language").unwrap(), "rust");
        }
    }

    #[test]
    fn an_override_wins_over_the_environment_and_tells_what_it_replaces() {
        for (name, replaced) in [
            (Some("name"), Some("name")),
            (Some("code"), None),
            (None, None),
        ] {
            let mut settings = settings(Some("fallback"));
            settings.override_service_name = Some("code".to_owned());
            let variables = [(NAME, name), (ATTRIBUTES, None)];
            let (_, service) = test_environment::with_vars(variables, || {
                settings.build(&Environment::default(), &Secrets::default())
            });
            assert_eq!(service.name, "code");
            assert_eq!(service.replaced.as_deref(), replaced);
        }
    }

    #[test]
    fn the_environment_wins_over_code_over_detectors_over_what_is_detected() {
        #[derive(Debug)]
        struct Detector;

        impl ResourceDetector for Detector {
            fn detect(&self) -> Resource {
                let attributes =
                    ["team", "zone", "host.name"].map(|key| KeyValue::new(key, "detector"));
                Resource::builder_empty()
                    .with_attributes(attributes)
                    .build()
            }
        }

        let list = "team=shop,process.pid=7";
        let mut settings = settings(Some("checkout"));
        settings.is_detected = true;
        settings.attributes = ["team", "zone"]
            .map(|key| KeyValue::new(key, "code"))
            .to_vec();
        settings.detectors.push(Box::new(Detector));
        let resource = build(settings, &[(ATTRIBUTES, Some(list)), (NAME, None)]);
        let expected = [
            ("team", "shop"),
            ("zone", "code"),
            ("host.name", "detector"),
            ("process.pid", "7"),
            ("os.type", std::env::consts::OS),
        ];
        for (key, value) in expected {
            assert_eq!(get(&resource, key).unwrap(), value);
        }
        assert!(get(&resource, "service.instance.id").is_some());
    }

    #[test]
    fn what_is_detected_can_be_left_out() {
        let resource = build(
            settings(Some("checkout")),
            &[(ATTRIBUTES, None), (NAME, None)],
        );
        for key in ["host.name", "process.pid", "service.instance.id", "os.type"] {
            assert_eq!(get(&resource, key), None);
        }
    }

    #[test]
    fn values_are_percent_decoded_and_a_broken_list_is_a_warning() {
        let resource = build(
            settings(Some("code")),
            &[(ATTRIBUTES, Some(LIST)), (NAME, None)],
        );
        assert_eq!(get(&resource, "team").unwrap(), "shop, north");
        for list in ["team", "=shop", "team=%FF,zone=b"] {
            let resource = build(
                settings(Some("code")),
                &[(ATTRIBUTES, Some(list)), (NAME, None)],
            );
            assert_eq!(get(&resource, "team"), None, "{list}");
            assert_eq!(get(&resource, "zone"), None, "{list}");
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
        for (cluster, is_found) in [(Some("10.0.0.1"), true), (None, false)] {
            let variables = [pod.as_slice(), &[("KUBERNETES_SERVICE_HOST", cluster)]].concat();
            let mut settings = settings(Some("checkout"));
            settings.is_detected = true;
            let resource = build(settings, &variables);
            let expected = |value: &str| is_found.then(|| value.to_owned());
            assert_eq!(get(&resource, "k8s.pod.name"), expected("checkout-7f9"));
            assert_eq!(get(&resource, "k8s.namespace.name"), expected("shop"));
            assert_eq!(get(&resource, "k8s.node.name"), expected("node-3"));
            assert_eq!(get(&resource, "k8s.pod.uid"), None);
        }
    }
}
