//! A test in a process of its own, whose output is compared as text.

use std::env;
use std::ffi::OsStr;
use std::process::{self, Command};

use serde_json::Value;

use super::environment;

const CHILD: &str = "OTEL_SETUP_TEST_CHILD";

/// What a process has written.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// Returns the JSON lines of standard output.
    pub(crate) fn lines(&self) -> Vec<Value> {
        json_lines(&self.stdout)
    }

    /// Returns the messages of the lines that are not about telemetry itself.
    pub(crate) fn messages(&self) -> Vec<String> {
        let lines = self.lines().into_iter();
        let lines = lines.filter(|line| line["target"] != "otel_setup");
        lines
            .map(|line| line.get("message").unwrap().as_str().unwrap().to_owned())
            .collect()
    }
}

/// Returns the JSON lines of a text.
pub(crate) fn json_lines(text: &str) -> Vec<Value> {
    let lines = text.lines();
    // The test harness writes the start of a line before the first line.
    let lines = lines.filter_map(|line| line.get(line.find('{')?..));
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// Runs `body` in a new process that has only these of the variables that a set-up reads. `name` is the name of the test that
/// calls it.
pub(crate) fn in_own_process(
    name: &str,
    variables: &[(&str, &str)],
    body: impl FnOnce(),
) -> Output {
    let output = run(name, variables, body);
    let result = Output {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(output.status.success(), "{name} failed: {result:?}");
    result
}

/// Runs `body` in a new process, with these variables and no others of OpenTelemetry. Returns what the process wrote, also if it
/// failed.
pub(crate) fn run<V: AsRef<OsStr>>(
    name: &str,
    variables: &[(&str, V)],
    body: impl FnOnce(),
) -> process::Output {
    let output = command(name, variables, body).output().unwrap();
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        eprintln!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    output
}

/// Returns the command that runs `body` in a new process. In that process, runs `body` and exits.
pub(crate) fn command<V: AsRef<OsStr>>(
    name: &str,
    variables: &[(&str, V)],
    body: impl FnOnce(),
) -> Command {
    if env::var_os(CHILD).is_some_and(|child| child == name) {
        body();
        process::exit(0);
    }
    let mut command = Command::new(env::current_exe().unwrap());
    environment::clear(&mut command)
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, name)
        .envs(variables.iter().map(|(name, value)| (name, value)));
    command
}
