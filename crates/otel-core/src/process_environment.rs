//! Propagates the context to child processes in their environment: `TRACEPARENT`, `TRACESTATE`, `BAGGAGE`.
//!
//! The parent writes the context into the command. The child reads it when it starts:
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
//! The name of a variable is the propagator's field in upper case, with `_` instead of every character that is not a letter or
//! digit, as the OpenTelemetry specification requires: `X-B3-TraceId` becomes `X_B3_TRACEID`.
//!
//! Other processes can read the environment of a process, and all its children inherit it. Do not put secrets into baggage that
//! is sent this way. To send no baggage, inject `cx.with_cleared_baggage()`.

use std::env;
use std::process::Command;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};

use crate::propagation::for_each_stale_field;

/// Reads the context from the environment of this process into a child of `parent`.
///
/// Call it once, at the start, before anything changes the environment. Variables that are missing, invalid or not UTF-8 leave
/// `parent` as it is.
#[must_use]
pub fn extract(propagator: &dyn TextMapPropagator, parent: &Context) -> Context {
    // Variables that are not UTF-8 cannot hold a context.
    let variables = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    propagator.extract_with_context(parent, &Variables(variables))
}

/// Writes `cx` into the environment of a command that is about to be started.
///
/// Before that it removes the propagator's variables, which the child would otherwise inherit from this process. The child can
/// therefore not continue an old trace by mistake. Other variables stay.
pub fn inject(propagator: &dyn TextMapPropagator, cx: &Context, command: &mut Command) {
    for_each_stale_field(propagator, |field| {
        command.env_remove(variable(field));
    });
    propagator.inject_context(cx, &mut CommandEnvironment(command));
}

struct Variables(Vec<(String, String)>);

impl Extractor for Variables {
    fn get(&self, key: &str) -> Option<&str> {
        let variable = variable(key);
        let (_, value) = self.0.iter().find(|(name, _)| *name == variable)?;
        Some(value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

struct CommandEnvironment<'a>(&'a mut Command);

impl Injector for CommandEnvironment<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = variable(key);
        // With an empty name or a NUL in the value the command would not start.
        if !name.is_empty() && !value.contains('\0') {
            self.0.env(name, value);
        }
    }
}

/// Returns the name of the field's variable. If the field starts with a digit, the variable starts with `_`.
fn variable(field: &str) -> String {
    let mut name = String::with_capacity(field.len() + 1);
    if field.starts_with(|first: char| first.is_ascii_digit()) {
        name.push('_');
    }
    for c in field.chars() {
        name.push(if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_named_after_its_field() {
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
    fn a_value_with_nul_is_skipped() {
        let mut command = Command::new("true");
        CommandEnvironment(&mut command).set("baggage", "a=\0".to_owned());
        assert_eq!(command.get_envs().count(), 0);
    }
}
