//! The environment of a test: what the process inherits must not change the outcome.

use std::env;
use std::ffi::{OsStr, OsString};
use std::process::Command;
use std::sync::LazyLock;

/// Variables of the test runs themselves, which `cargo xtask test` sets.
const OF_TEST_RUNS: [&str; 2] = ["OTEL_TESTKIT_SPAN_LAYER", "OTEL_SETUP_TEST_CHILD"];
/// What the names of the variables begin with that otel-setup, or a crate below it, reads.
const PREFIXES: [&str; 4] = ["OTEL_", "K8S_", "POD_", "KUBERNETES_"];
/// Other variables that otel-setup, or a crate below it, reads. The case of proxy variables does not matter.
const OTHERS: [&str; 8] = [
    "RUST_LOG",
    "NO_COLOR",
    "NODE_NAME",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "REQUEST_METHOD",
];

/// The names of the inherited variables that could change what a set-up does. They are read once, before a test of another thread
/// removes them for a while.
static INHERITED: LazyLock<Vec<OsString>> = LazyLock::new(|| {
    let names = env::vars_os().map(|(name, _)| name);
    names.filter(|name| is_read(name)).collect()
});

fn is_read(name: &OsStr) -> bool {
    let is_detection = name == "OTEL_RUST_CONTEXT_LOSS_DETECTION";
    // `cargo xtask test` sets it to `true`, so that each test is also a test of the detection.
    if is_detection && env::var_os(name).is_some_and(|value| value == "true") {
        return false;
    }
    let name = name.to_string_lossy().to_uppercase();
    let is_of_test_run = OF_TEST_RUNS.contains(&name.as_str());
    let has_prefix = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    !is_of_test_run && (has_prefix || OTHERS.contains(&name.as_str()))
}

/// Removes the variables that a set-up reads from the environment of a process. Another thread may have set some for a while.
pub(crate) fn clear(command: &mut Command) -> &mut Command {
    let others = env::vars_os().filter(|(name, _)| !is_read(name));
    command.env_clear().envs(others)
}

/// Runs the function with only these of the variables that a set-up reads.
pub(crate) fn with_only<T>(variables: &[(&str, &str)], body: impl FnOnce() -> T) -> T {
    let variables = variables.iter();
    let variables: Vec<_> = variables
        .map(|(name, value)| (*name, Some(*value)))
        .collect();
    with_vars(variables, body)
}

/// Runs the function as [`temp_env::with_vars`] does, without the inherited variables that a set-up reads.
pub(crate) fn with_vars<N: AsRef<OsStr>, V: AsRef<OsStr>, T>(
    variables: impl AsRef<[(N, Option<V>)]>,
    body: impl FnOnce() -> T,
) -> T {
    let removed = INHERITED.iter().map(|name| (name.clone(), None));
    let given = variables.as_ref().iter().map(|(name, value)| {
        let value = value.as_ref().map(|value| value.as_ref().to_owned());
        (name.as_ref().to_owned(), value)
    });
    // If a name occurs twice, the last one counts.
    let all: Vec<(OsString, Option<OsString>)> = removed.chain(given).collect();
    temp_env::with_vars(all, body)
}
