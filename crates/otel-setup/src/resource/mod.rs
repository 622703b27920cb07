//! Who is reporting: the resource and its service name.

mod host;
mod kubernetes;
mod process;

use std::env;
use std::fmt;

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
    /// Builds the resource. The environment wins over code, code over its detectors, and these over what is detected.
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
            builder = builder.with_attributes(found.chain(kubernetes::detect()));
        }
        for detector in self.detectors {
            builder = builder.with_detector(detector);
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
