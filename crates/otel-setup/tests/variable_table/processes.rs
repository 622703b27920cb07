//! Values that are seen in what a process writes: each row is a process that calls `init`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::process::Output;

use opentelemetry::Context;
use opentelemetry::global;
use serde_json::Value;

use crate::receiver::Receiver;
use crate::support::own_process::json_lines;
use crate::support::{Mood, child};

/// The targets and levels of the lines that a process writes.
const LINES: [&str; 6] = [
    "ERROR line",
    "WARN line",
    "INFO line",
    "DEBUG line",
    "TRACE line",
    "DEBUG line of shop",
];

/// What a process wrote.
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) lines: Vec<Value>,
}

impl Written {
    /// Returns a field of the line that says what is in force.
    pub(crate) fn started(&self, field: &str) -> &str {
        let mut lines = self.lines.iter();
        let line = lines.find(|line| line["event.name"] == "started");
        line.and_then(|line| line[field].as_str())
            .unwrap_or_default()
    }

    /// Returns which lines of the program were written.
    pub(crate) fn program_lines(&self) -> Vec<&str> {
        LINES
            .into_iter()
            .filter(|line| self.text.contains(&format!("<{line}>")))
            .collect()
    }

    /// Returns what a process said at its end.
    pub(crate) fn summary(&self, field: &str) -> &Value {
        let mut lines = self.lines.iter();
        let line = lines.find(|line| !line[field].is_null());
        line.map_or(&Value::Null, |line| &line[field])
    }

    fn warnings(&self) -> Vec<&Value> {
        let lines = self.lines.iter();
        lines
            .filter(|line| line["target"] == "otel_setup" && line["level"] == "WARN")
            .collect()
    }
}

/// A variable, its value, and what is expected.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) value: OsString,
    /// The end of the one warning. Without it there is no warning.
    pub(crate) said: Option<&'static str>,
    pub(crate) is_in_force: fn(&Written) -> bool,
}

pub(crate) fn warned(
    name: &'static str,
    value: impl Into<OsString>,
    said: &'static str,
    is_in_force: fn(&Written) -> bool,
) -> Row {
    Row {
        name,
        value: value.into(),
        said: Some(said),
        is_in_force,
    }
}

pub(crate) fn accepted(
    name: &'static str,
    value: impl Into<OsString>,
    is_in_force: fn(&Written) -> bool,
) -> Row {
    Row {
        name,
        value: value.into(),
        said: None,
        is_in_force,
    }
}

/// Runs a process for each row, which `test` calls. Returns the differences from the row.
pub(crate) fn problems(test: &str, rows: &[Row]) -> Vec<String> {
    rows.iter()
        .flat_map(|row| problems_of_row(test, row))
        .collect()
}

fn problems_of_row(test: &str, row: &Row) -> Vec<String> {
    let assignment = format!("{}={:?}", row.name, row.value);
    let mut problems = Vec::new();
    let output = run(test, &[(row.name, &row.value)]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let lines = json_lines(&text);
    let written = Written { text, lines };
    if !output.status.success() {
        return vec![format!("{assignment} fails: {output:?}")];
    }
    if !(row.is_in_force)(&written) {
        problems.push(format!("{assignment} is not in force: {}", written.text));
    }
    let warnings = written.warnings();
    let Some(said) = row.said else {
        if !warnings.is_empty() {
            problems.push(format!("{assignment} is a warning: {warnings:?}"));
        }
        return problems;
    };
    let about: Vec<_> = written
        .text
        .lines()
        .filter(|line| line.contains(row.name))
        .collect();
    let is_expected = match &warnings[..] {
        [warning] => {
            let message = warning["message"].as_str().unwrap();
            let event = if said.is_empty() {
                "unsupported_variable"
            } else {
                "invalid_variable"
            };
            message.starts_with(row.name)
                && message.ends_with(said)
                && warning["event.name"] == event
                && about.len() == 1
        }
        _ => false,
    };
    if !is_expected || !output.stderr.is_empty() || written.text.contains("s3cret") {
        problems.push(format!(
            "{assignment}: not one line, which ends with {said:?}: {output:?}"
        ));
    }
    // The same value is an error in strict mode.
    let strict = run(
        test,
        &[(row.name, &row.value), ("OTEL_RUST_STRICT", &"true".into())],
    );
    let error = String::from_utf8_lossy(&strict.stderr);
    let is_error = error.starts_with(&format!("Error: {}", row.name)) && error.lines().count() == 1;
    if row.name != "OTEL_RUST_STRICT"
        && (strict.status.success() || !is_error || error.contains("s3cret"))
    {
        problems.push(format!("{assignment} in strict mode: {strict:?}"));
    }
    problems
}

fn run(test: &str, variables: &[(&str, &OsString)]) -> Output {
    let base = [("OTEL_RUST_CONTEXT_LOSS_DETECTION", OsStr::new(""))];
    let given = variables
        .iter()
        .map(|(name, value)| (*name, value.as_os_str()));
    let variables: Vec<_> = base.into_iter().chain(given).collect();
    child::run(test, &variables, serve)
}

/// What each process does.
fn serve() {
    let receiver = Receiver::start(Mood::Fine);
    let builder = otel_setup::builder()
        .service_name("checkout")
        .without_detected_resource()
        .otlp_endpoint(receiver.endpoint().url());
    let telemetry = match builder.init() {
        Ok(telemetry) => telemetry,
        Err(error) => {
            // As a `main` that returns the error.
            eprintln!("Error: {error:?}");
            std::process::exit(1);
        }
    };
    let sent = tracing::info_span!("work").in_scope(|| {
        tracing::error!("<{}>", LINES[0]);
        tracing::warn!("<{}>", LINES[1]);
        tracing::info!("<{}>", LINES[2]);
        tracing::debug!("<{}>", LINES[3]);
        tracing::trace!("<{}>", LINES[4]);
        tracing::debug!(target: "shop", "<{}>", LINES[5]);
        let mut sent = std::collections::HashMap::new();
        let propagate = |it: &dyn opentelemetry::propagation::TextMapPropagator| {
            it.inject_context(&Context::current(), &mut sent);
        };
        global::get_text_map_propagator(propagate);
        sent
    });
    global::meter("test")
        .u64_counter("orders")
        .build()
        .add(1, &[]);
    let is_detecting = otel_core::context_loss::is_started();
    telemetry.shutdown();
    let mut sent: Vec<_> = sent.into_keys().collect();
    sent.sort();
    let exports: Vec<_> = receiver
        .exports()
        .into_iter()
        .map(|export| export.path)
        .collect();
    let summary =
        serde_json::json!({ "sent": sent, "exports": exports, "is_detecting": is_detecting });
    let mut stdout = io::stdout();
    writeln!(stdout, "{summary}").unwrap();
}
