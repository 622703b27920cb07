//! A test in a process of its own: the set-up is for a whole process, and its log lines are its standard output.

use std::env;
use std::ffi::OsStr;
use std::process::{Command, Output};

use serde_json::Value;

use super::environment;

const CHILD: &str = "OTEL_SETUP_TEST_CHILD";

/// Runs `body` in a new process, with these variables and no others of OpenTelemetry; returns the log lines.
///
/// `name` is the name of the test that calls it.
pub(crate) fn in_own_process(
    name: &str,
    variables: &[(&str, &str)],
    body: impl FnOnce(),
) -> Vec<Value> {
    let (lines, is_success) = run(name, variables, body);
    assert!(is_success, "the process of {name} failed: {lines:?}");
    lines
}

/// The same for a process that is meant to fail.
pub(crate) fn failing_in_own_process(
    name: &str,
    variables: &[(&str, &str)],
    body: impl FnOnce(),
) -> Vec<Value> {
    let (lines, is_success) = run(name, variables, body);
    assert!(!is_success, "the process of {name} did not fail");
    lines
}

/// Runs `body` in a new process, with these variables and no others of OpenTelemetry, and returns what it wrote.
pub(crate) fn output<V: AsRef<OsStr>>(
    name: &str,
    variables: &[(&str, V)],
    body: impl FnOnce(),
) -> Output {
    if env::var_os(CHILD).is_some_and(|child| child == name) {
        body();
        // Not back into the parent's half of the test.
        std::process::exit(0);
    }
    environment::clear(&mut Command::new(env::current_exe().unwrap()))
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, name)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap()
}

fn run(name: &str, variables: &[(&str, &str)], body: impl FnOnce()) -> (Vec<Value>, bool) {
    let output = output(name, variables, body);
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        eprintln!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut lines = lines(&output);
    // Each set-up writes it, and few tests are about it.
    lines.retain(|line| line["event.name"] != "started");
    (lines, output.status.success())
}

/// Returns the JSON lines of the standard output.
pub(crate) fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    // The test harness writes its own line without an end before ours.
    let lines = text
        .lines()
        .filter_map(|line| line.find('{').map(|at| &line[at..]));
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The lines of otel-setup whose message begins so.
pub(crate) fn about<'a>(lines: &'a [Value], message: &str) -> Vec<&'a Value> {
    let is_about = |line: &&Value| {
        line["target"] == "otel_setup"
            && line["message"]
                .as_str()
                .is_some_and(|it| it.starts_with(message))
    };
    lines.iter().filter(is_about).collect()
}
