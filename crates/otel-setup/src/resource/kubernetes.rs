//! The pod, as far as the pod's manifest hands it in by the downward API.
//!
//! ```yaml
//! env:
//!   - name: K8S_POD_NAME
//!     valueFrom: { fieldRef: { fieldPath: metadata.name } }
//! ```

use std::env;

use opentelemetry::KeyValue;

/// Attribute and the variables that may hold it: the attribute's own name, what manifests usually say, and what the
/// OpenTelemetry operator sets.
const VARIABLES: [(&str, &[&str]); 7] = [
    (
        "k8s.pod.name",
        &[
            "K8S_POD_NAME",
            "POD_NAME",
            "OTEL_RESOURCE_ATTRIBUTES_POD_NAME",
        ],
    ),
    (
        "k8s.pod.uid",
        &["K8S_POD_UID", "POD_UID", "OTEL_RESOURCE_ATTRIBUTES_POD_UID"],
    ),
    (
        "k8s.namespace.name",
        &["K8S_NAMESPACE_NAME", "POD_NAMESPACE"],
    ),
    (
        "k8s.node.name",
        &[
            "K8S_NODE_NAME",
            "NODE_NAME",
            "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME",
        ],
    ),
    ("k8s.container.name", &["K8S_CONTAINER_NAME"]),
    ("k8s.deployment.name", &["K8S_DEPLOYMENT_NAME"]),
    ("k8s.cluster.name", &["K8S_CLUSTER_NAME"]),
];

/// Nothing outside of a cluster, where `POD_NAME` may mean anything.
pub(super) fn detect() -> impl Iterator<Item = KeyValue> {
    let is_pod = env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    let variables = VARIABLES.iter().filter(move |_| is_pod);
    variables.filter_map(|(attribute, names)| {
        let mut values = names.iter().filter_map(|name| env::var(name).ok());
        let value = values.find(|value| !value.is_empty())?;
        Some(KeyValue::new(*attribute, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each variable, and those that win over it.
    const TABLE: [(&str, &[&str]); 7] = [
        (
            "k8s.pod.name",
            &[
                "K8S_POD_NAME",
                "POD_NAME",
                "OTEL_RESOURCE_ATTRIBUTES_POD_NAME",
            ],
        ),
        (
            "k8s.pod.uid",
            &["K8S_POD_UID", "POD_UID", "OTEL_RESOURCE_ATTRIBUTES_POD_UID"],
        ),
        (
            "k8s.namespace.name",
            &["K8S_NAMESPACE_NAME", "POD_NAMESPACE"],
        ),
        (
            "k8s.node.name",
            &[
                "K8S_NODE_NAME",
                "NODE_NAME",
                "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME",
            ],
        ),
        ("k8s.container.name", &["K8S_CONTAINER_NAME"]),
        ("k8s.deployment.name", &["K8S_DEPLOYMENT_NAME"]),
        ("k8s.cluster.name", &["K8S_CLUSTER_NAME"]),
    ];

    #[test]
    fn each_variable_is_read_and_the_first_of_those_for_one_attribute_wins() {
        for (attribute, names) in TABLE {
            for first in 0..names.len() {
                let found = names[first..].iter().map(|name| (*name, Some(*name)));
                let cluster = ("KUBERNETES_SERVICE_HOST", Some("10.0.0.1"));
                let variables: Vec<_> = found.chain([cluster]).collect();
                let detected: Vec<_> = temp_env::with_vars(variables, || detect().collect());
                assert_eq!(detected, [KeyValue::new(attribute, names[first])]);
            }
        }
    }
}
