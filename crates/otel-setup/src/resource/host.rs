//! The machine: the entities `host` and `os` of the semantic conventions.

use std::{env, fs};

use opentelemetry::KeyValue;

pub(super) fn detect() -> impl Iterator<Item = KeyValue> {
    let name = name().map(|name| KeyValue::new("host.name", name));
    let id = id().map(|id| KeyValue::new("host.id", id));
    let machine = [
        KeyValue::new("host.arch", arch()),
        KeyValue::new("os.type", os()),
    ];
    machine.into_iter().chain(name).chain(id)
}

/// Returns the name of the host: of the container in a container, of the pod in Kubernetes.
fn name() -> Option<String> {
    read("/proc/sys/kernel/hostname")
        .or_else(|| env::var("HOSTNAME").ok())
        .or_else(|| env::var("COMPUTERNAME").ok())
        .filter(|name| !name.is_empty())
}

/// Reads the files that the conventions name for Linux.
fn id() -> Option<String> {
    read("/etc/machine-id").or_else(|| read("/var/lib/dbus/machine-id"))
}

fn read(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns the conventions' name of the processor architecture.
fn arch() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// Returns the conventions' name of the operating system.
fn os() -> &'static str {
    match env::consts::OS {
        "macos" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    }
}
