//! A test in a process of its own: the set-up is for a whole process, and its log lines are its standard output.

use std::env;
use std::process::Command;

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

fn run(name: &str, variables: &[(&str, &str)], body: impl FnOnce()) -> (Vec<Value>, bool) {
    if env::var_os(CHILD).is_some_and(|child| child == name) {
        body();
        // Not back into the parent's half of the test.
        std::process::exit(0);
    }
    let output = environment::clear(&mut Command::new(env::current_exe().unwrap()))
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, name)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    if !output.status.success() {
        eprintln!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    // The test harness writes its own line without an end before ours.
    let lines = text
        .lines()
        .filter_map(|line| line.find('{').map(|at| &line[at..]));
    let lines = lines.filter_map(|line| serde_json::from_str(line).ok());
    let mut lines: Vec<Value> = lines.collect();
    // Each set-up writes it, and few tests are about it.
    lines.retain(|line| line["event.name"] != "started");
    (lines, output.status.success())
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
