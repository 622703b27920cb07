//! A test in a process of its own: the set-up is for a whole process, and its log lines are its standard output.

use std::process::Output;

use serde_json::Value;

use super::own_process::json_lines;
pub(crate) use super::own_process::run;

/// Runs `body` in a new process, with these variables and no others of OpenTelemetry. Returns the log lines, without the start line
/// that each set-up writes.
///
/// `name` is the name of the test that calls it.
pub(crate) fn in_own_process(
    name: &str,
    variables: &[(&str, &str)],
    body: impl FnOnce(),
) -> Vec<Value> {
    let mut lines = all_lines_in_own_process(name, variables, body);
    lines.retain(|line| line["event.name"] != "started");
    lines
}

/// Runs `body` as [`in_own_process`] does. Returns all log lines.
pub(crate) fn all_lines_in_own_process(
    name: &str,
    variables: &[(&str, &str)],
    body: impl FnOnce(),
) -> Vec<Value> {
    output_of_own_process(name, variables, body).0
}

/// Runs `body` as [`in_own_process`] does. Returns all log lines, and the text of standard error.
pub(crate) fn output_of_own_process(
    name: &str,
    variables: &[(&str, &str)],
    body: impl FnOnce(),
) -> (Vec<Value>, String) {
    let output = run(name, variables, body);
    let lines = lines(&output);
    assert!(
        output.status.success(),
        "the process of {name} failed: {lines:?}"
    );
    (lines, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Runs `body` in a new process, which must fail.
pub(crate) fn failing_in_own_process(
    name: &str,
    variables: &[(&str, &str)],
    body: impl FnOnce(),
) -> Vec<Value> {
    let output = run(name, variables, body);
    assert!(
        !output.status.success(),
        "the process of {name} did not fail"
    );
    lines(&output)
}

fn lines(output: &Output) -> Vec<Value> {
    json_lines(&String::from_utf8_lossy(&output.stdout))
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
