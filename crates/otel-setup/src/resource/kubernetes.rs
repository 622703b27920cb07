//! The pod: what its manifest passes on by the downward API, and the namespace, which Kubernetes writes into a file.
//!
//! ```yaml
//! env:
//!   - name: K8S_POD_NAME
//!     valueFrom: { fieldRef: { fieldPath: metadata.name } }
//! ```

use std::path::Path;
use std::{env, fs};

use opentelemetry::KeyValue;

const NAMESPACE: &str = "k8s.namespace.name";
/// Mounted into each pod that has a service account, which is the default.
const NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Each attribute with its variables: the attribute's own name, what manifests usually say, and what the OpenTelemetry operator
/// sets. The first that is set wins.
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
    (NAMESPACE, &["K8S_NAMESPACE_NAME", "POD_NAMESPACE"]),
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

pub(super) fn detect() -> impl Iterator<Item = KeyValue> {
    detect_with(Path::new(NAMESPACE_FILE)).into_iter()
}

/// Returns nothing outside of a cluster: a variable such as `POD_NAME` may mean anything there.
fn detect_with(namespace_file: &Path) -> Vec<KeyValue> {
    if env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
        return Vec::new();
    }
    let found = VARIABLES.iter().filter_map(|(attribute, names)| {
        let mut values = names.iter().filter_map(|name| env::var(name).ok());
        let value = values.find(|value| !value.is_empty());
        let value = match value {
            None if *attribute == NAMESPACE => namespace(namespace_file),
            value => value,
        };
        Some(KeyValue::new(*attribute, value?))
    });
    found.collect()
}

fn namespace(file: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let namespace = text.trim();
    (!namespace.is_empty()).then(|| namespace.to_owned())
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;
    use crate::test_environment;

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
                let detected = test_environment::with_vars(variables, || {
                    detect_with(Path::new("/no such file"))
                });
                assert_eq!(detected, [KeyValue::new(attribute, names[first])]);
            }
        }
    }

    #[test]
    fn a_pod_has_the_namespace_of_its_file_unless_a_variable_names_it() {
        let file = env::temp_dir().join(format!("otel-setup-namespace-{}", process::id()));
        // KUBERNETES_SERVICE_HOST, POD_NAMESPACE, the file, expected
        let table = [
            (Some("10.0.0.1"), None, "shop\n", Some("shop")),
            (Some("10.0.0.1"), None, "shop", Some("shop")),
            (Some("10.0.0.1"), Some(""), "shop", Some("shop")),
            (Some("10.0.0.1"), Some("mine"), "shop", Some("mine")),
            (Some("10.0.0.1"), None, " \n", None),
            (None, None, "shop", None),
            (None, Some("mine"), "shop", None),
        ];
        for (cluster, variable, text, expected) in table {
            fs::write(&file, text).unwrap();
            let variables = [
                ("KUBERNETES_SERVICE_HOST", cluster),
                ("POD_NAMESPACE", variable),
            ];
            let detected = test_environment::with_vars(variables, || detect_with(&file));
            let found = detected.iter().find(|it| it.key.as_str() == NAMESPACE);
            let found = found.map(|it| it.value.to_string());
            assert_eq!(
                found.as_deref(),
                expected,
                "{cluster:?} {variable:?} {text:?}"
            );
        }
        fs::remove_file(file).unwrap();
    }
}
