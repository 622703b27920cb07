//! The process, and which instance of its service it is.
//!
//! Without the command line: arguments hold passwords.

use std::env;
use std::process;

use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

pub(super) fn detect() -> impl Iterator<Item = KeyValue> {
    let name = env::current_exe().ok().and_then(|path| {
        let name = path.file_name()?.to_str()?.to_owned();
        Some(KeyValue::new("process.executable.name", name))
    });
    let process = [
        KeyValue::new("process.pid", i64::from(process::id())),
        KeyValue::new("process.runtime.name", "rust"),
        KeyValue::new("service.instance.id", instance_id()),
    ];
    process.into_iter().chain(name)
}

/// A random UUID (version 4), as the conventions recommend.
fn instance_id() -> String {
    let random = u128::from_be_bytes(RandomIdGenerator::default().new_trace_id().to_bytes());
    let version = 0x4 << 76;
    let variant = 0b10 << 62;
    let bits = random & !(0xf << 76) & !(0b11 << 62) | version | variant;
    let hex = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32];
    let parts = parts.map(|part| hex.get(part).unwrap_or_default().to_owned());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_a_uuid_of_version_4() {
        let id = instance_id();
        assert_eq!(id.len(), 36, "{id}");
        let positions: Vec<_> = id.match_indices('-').map(|(at, _)| at).collect();
        assert_eq!(positions, [8, 13, 18, 23], "{id}");
        assert_eq!(&id[14..15], "4", "{id}");
        assert!("89ab".contains(&id[19..20]), "{id}");
        assert_ne!(instance_id(), id);
    }
}
