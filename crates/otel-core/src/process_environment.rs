//! Carries the context into child processes, in their environment: `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`.
//!
//! The parent writes it into the command, the child reads it when it starts:
//!
//! ```no_run
//! use std::process::Command;
//! use otel_core::opentelemetry::{Context, global};
//! use otel_core::process_environment;
//!
//! # fn parent() -> std::io::Result<()> {
//! let mut command = Command::new("nightly-report");
//! global::get_text_map_propagator(|propagator| {
//!     process_environment::inject(propagator, &Context::current(), &mut command);
//! });
//! command.status()?;
//! # Ok(()) }
//!
//! // in nightly-report
//! # fn child() {
//! let cx = global::get_text_map_propagator(|propagator| {
//!     process_environment::extract(propagator, &Context::new())
//! });
//! let _attached = cx.attach(); // its spans are now children of the parent's
//! # }
//! ```
//!
//! A name is the propagator's field in upper case, with `_` for each character that is no letter and no digit, as the
//! OpenTelemetry specification has it: `X-B3-TraceId` becomes `X_B3_TRACEID`. The environment of a process can be read by others
//! and is inherited by all its children, so no secret belongs into the baggage that is sent this way.

use std::env;
use std::process::Command;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use crate::propagation::for_each_stale_field;

/// Reads what the propagator knows from this process's environment into a child of `parent`.
///
/// Call it once, at the start, before anything changes the environment. What is missing, invalid or no text leaves
/// `parent` as it was.
#[must_use]
pub fn extract(propagator: &dyn TextMapPropagator, parent: &Context) -> Context {
    // An environment is a map, so each name is there once. What is no text cannot be a context.
    let variables = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    propagator.extract_with_context(parent, &Variables(variables))
}

/// Writes `cx` into the environment of a command that is about to be started.
///
/// What the child would inherit in the propagator's variables is removed first, so that it never continues the trace
/// that *this* process was started in by mistake. The rest of its environment stays.
pub fn inject(propagator: &dyn TextMapPropagator, cx: &Context, command: &mut Command) {
    for_each_stale_field(propagator, |field| {
        command.env_remove(variable(field));
    });
    propagator.inject_context(cx, &mut CommandEnvironment(command));
}

struct Variables(Vec<(String, String)>);

impl Extractor for Variables {
    fn get(&self, key: &str) -> Option<&str> {
        let wanted = variable(key);
        let found = self.0.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

struct CommandEnvironment<'a>(&'a mut Command);

impl Injector for CommandEnvironment<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = variable(key);
        // The operating system ends a name at `=` and a value at NUL; with either the command would not start.
        if !name.is_empty() && !value.contains('\0') {
            self.0.env(name, value);
        }
    }
}

/// The field's name as a variable. A digit at the front, which few shells can name, gets a `_` before it.
fn variable(field: &str) -> String {
    let mut name = String::with_capacity(field.len() + 1);
    if field.starts_with(|first: char| first.is_ascii_digit()) {
        name.push('_');
    }
    name.extend(field.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    }));
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_s_name_becomes_a_variable_s() {
        for (field, expected) in [
            ("traceparent", "TRACEPARENT"),
            ("tracestate", "TRACESTATE"),
            ("baggage", "BAGGAGE"),
            ("b3", "B3"),
            ("X-B3-TraceId", "X_B3_TRACEID"),
            ("uber.trace=id", "UBER_TRACE_ID"),
            ("3rd", "_3RD"),
        ] {
            assert_eq!(variable(field), expected, "{field}");
        }
    }

    #[test]
    fn a_value_with_nul_is_left_out() {
        let mut command = Command::new("true");
        CommandEnvironment(&mut command).set("baggage", "a=\0".to_owned());
        assert_eq!(command.get_envs().count(), 0);
    }
}
