//! What the resource says of the process, as it arrives.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use std::process;
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message as _;

use self::support::child::in_own_process;
use self::support::{Endpoint, Mood};

/// The attributes that the conventions require of each entity that is always detected, and those that identify it.
const REQUIRED: [&str; 11] = [
    "service.name",
    "service.instance.id",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
    "os.type",
    "process.pid",
    "process.creation.time",
    "process.runtime.name",
    "process.runtime.version",
    "process.executable.build_id.htlhash",
];

#[test]
#[cfg(target_os = "linux")]
fn each_entity_has_the_attributes_that_the_conventions_require() {
    let name = "each_entity_has_the_attributes_that_the_conventions_require";
    in_own_process(name, &[], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = support::start(endpoint.url());
        tracing::info_span!("work").in_scope(|| ());
        telemetry.shutdown();

        let requests = endpoint.requests();
        let request = ExportTraceServiceRequest::decode(requests[0].body.as_slice()).unwrap();
        let resource = request.resource_spans[0].resource.clone().unwrap();
        let get = |key: &str| {
            let found = resource.attributes.iter().find(|it| it.key == key);
            found.map(|it| it.value.clone().unwrap().value.unwrap())
        };
        let text = |key: &str| match get(key) {
            Some(Value::StringValue(text)) => text,
            other => panic!("{key}: {other:?}"),
        };
        for key in REQUIRED {
            assert!(get(key).is_some(), "{key} in {:?}", resource.attributes);
        }
        assert_eq!(
            get("process.pid"),
            Some(Value::IntValue(process::id().into()))
        );
        let created = humantime::parse_rfc3339(&text("process.creation.time")).unwrap();
        let age = SystemTime::now()
            .duration_since(created)
            .unwrap_or_default();
        assert!(age < Duration::from_secs(3600), "{age:?}");
        let version = text("process.runtime.version");
        assert_eq!(version.split('.').count(), 3, "{version}");
        assert_eq!(
            text("process.runtime.description").split(' ').nth(1),
            Some(version.as_str())
        );
        let hash = text("process.executable.build_id.htlhash");
        assert!(hash.len() == 32 && hash.bytes().all(|it| it.is_ascii_hexdigit()));
        // Arguments contain passwords.
        assert!(
            resource
                .attributes
                .iter()
                .all(|it| !it.key.contains("command"))
        );
        let all = format!("{:?}", resource.attributes);
        assert!(!all.contains("--nocapture"), "{all}");
    });
}
