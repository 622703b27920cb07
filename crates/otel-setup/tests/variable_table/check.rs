//! The rows of the table, and what is checked for each.

use std::collections::BTreeMap;
use std::ffi::OsString;

use otel_setup::{SetupError, Warning};

use crate::probe::{self, Case, Probe};

/// A variable and its values.
pub(crate) struct Variable {
    pub(crate) name: String,
    /// Other variables that must be set, so that this one can be seen at work.
    pub(crate) others: Vec<(String, String)>,
    pub(crate) probe: Probe,
    /// The default as the variable would have it. If the variable is unset, the same is seen.
    pub(crate) default: String,
    /// A valid value with which something else is seen. It is empty if no value changes anything.
    pub(crate) different: String,
    pub(crate) rows: Vec<Row>,
}

/// A value and what becomes of it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) value: OsString,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// There is no warning, and the same is seen as with this value.
    Accepted(String),
    /// There is one warning, which says what is used instead, and the same is seen as with the value `in_force`.
    Warned { in_force: String, said: String },
    /// The start fails.
    Refused,
}

impl Row {
    pub(crate) fn accepted(value: impl Into<OsString>, same_as: impl Into<String>) -> Self {
        let (value, outcome) = (value.into(), Outcome::Accepted(same_as.into()));
        Self { value, outcome }
    }

    pub(crate) fn warned(
        value: impl Into<OsString>,
        in_force: impl Into<String>,
        said: impl Into<String>,
    ) -> Self {
        let (in_force, said) = (in_force.into(), said.into());
        Self {
            value: value.into(),
            outcome: Outcome::Warned { in_force, said },
        }
    }

    pub(crate) fn refused(value: impl Into<OsString>) -> Self {
        let (value, outcome) = (value.into(), Outcome::Refused);
        Self { value, outcome }
    }
}

impl Variable {
    pub(crate) fn case(&self, value: Option<OsString>) -> Case {
        let others = self.others.iter();
        let others = others.map(|(name, value)| (name.clone(), OsString::from(value)));
        let own = value.map(|value| (self.name.clone(), value));
        Case {
            variables: others.chain(own).collect(),
            is_strict: false,
        }
    }

    /// Starts a set-up with each value. Returns the differences from the table.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let unset = self.valid(None, &mut problems);
        let default = self.valid(Some(&self.default), &mut problems);
        if unset != default {
            problems.push(format!(
                "{}: the default is not {:?}, but\n{unset}",
                self.name, self.default
            ));
        }
        if !self.different.is_empty() {
            let different = self.valid(Some(&self.different), &mut problems);
            if different == default {
                problems.push(format!(
                    "{}={:?} changes nothing that is seen:\n{different}",
                    self.name, self.different
                ));
            }
        }
        let mut expected =
            BTreeMap::from([(self.default.clone(), default), (String::new(), unset)]);
        for (number, row) in self.rows.iter().enumerate() {
            self.check(row, &mut expected, &mut problems);
            if matches!(row.outcome, Outcome::Warned { .. }) {
                self.check_strict(row, number == 0, &mut problems);
            }
        }
        problems
    }

    /// Returns the observation with a valid value.
    fn valid(&self, value: Option<&str>, problems: &mut Vec<String>) -> String {
        match (self.probe)(&self.case(value.map(OsString::from))) {
            Ok(seen) => {
                if !seen.warnings.is_empty() {
                    problems.push(format!("{}={value:?}: {:?}", self.name, seen.warnings));
                }
                seen.text
            }
            Err(error) => {
                problems.push(format!("{}={value:?}: {error}", self.name));
                String::new()
            }
        }
    }

    fn check(
        &self,
        row: &Row,
        expected: &mut BTreeMap<String, String>,
        problems: &mut Vec<String>,
    ) {
        let assignment = format!("{}={:?}", self.name, row.value);
        let seen = (self.probe)(&self.case(Some(row.value.clone())));
        let (same_as, seen) = match (&row.outcome, seen) {
            (Outcome::Refused, Ok(_)) => return problems.push(format!("{assignment} starts")),
            (Outcome::Refused, Err(error)) => return self.check_error(row, &error, problems),
            (_, Err(error)) => {
                return problems.push(format!("{assignment} does not start: {error}"));
            }
            (Outcome::Accepted(same_as), Ok(seen)) => {
                if !seen.warnings.is_empty() {
                    problems.push(format!("{assignment} is a warning: {:?}", seen.warnings));
                }
                (same_as, seen)
            }
            (Outcome::Warned { in_force, said }, Ok(seen)) => {
                self.check_warnings(row, said, &seen.warnings, problems);
                (in_force, seen)
            }
        };
        let expected = expected
            .entry(same_as.clone())
            .or_insert_with(|| self.valid(Some(same_as), problems));
        if seen.text != *expected {
            problems.push(format!(
                "{assignment}: not the same as with {same_as:?}, but\n{}\ninstead of\n{expected}",
                seen.text
            ));
        }
    }

    pub(crate) fn check_warnings(
        &self,
        row: &Row,
        said: &str,
        warnings: &[Warning],
        problems: &mut Vec<String>,
    ) {
        let assignment = format!("{}={:?}", self.name, row.value);
        let [warning] = warnings else {
            problems.push(format!("{assignment}: not one warning: {warnings:?}"));
            return;
        };
        let message = warning.to_string();
        let start = match row.value.to_str() {
            Some(value) if !value.contains("s3cret") && value.len() < 256 => {
                format!("{}={:?} c", self.name, value.trim())
            }
            _ => self.name.clone(),
        };
        let is_expected = warning.variable() == Some(&self.name)
            && message.starts_with(&start)
            && message.ends_with(said)
            && !message.contains("s3cret")
            && message.len() < 600;
        if !is_expected {
            problems.push(format!("{assignment}: unexpected warning: {message}"));
        }
    }

    /// Checks that the same value fails in strict mode: by code, and if `with_all` is true by variable and with all exports.
    pub(crate) fn check_strict(&self, row: &Row, with_all: bool, problems: &mut Vec<String>) {
        let mut by_code = self.case(Some(row.value.clone()));
        by_code.is_strict = true;
        let without_exports = by_code.clone().without_exports(&self.name);
        // Some values cannot be used only for an export over HTTP.
        let needs_exports = probe::start(&without_exports).is_ok();
        let mut cases = vec![if needs_exports {
            by_code.clone()
        } else {
            without_exports
        }];
        if with_all {
            let mut by_variable = self.case(Some(row.value.clone()));
            if self.name != "OTEL_RUST_STRICT" {
                let strict = ("OTEL_RUST_STRICT".to_owned(), OsString::from("true"));
                by_variable.variables.push(strict);
                cases.push(by_variable);
            }
            cases.push(by_code);
        }
        for case in cases {
            match probe::start(&case) {
                Ok(_) => problems.push(format!("starts in strict mode: {case:?}")),
                Err(error) => self.check_error(row, &error, problems),
            }
        }
    }

    fn check_error(&self, row: &Row, error: &SetupError, problems: &mut Vec<String>) {
        let text = error.to_string();
        let is_expected = error.is_invalid_variable()
            && text.starts_with(&self.name)
            && !text.contains("s3cret")
            && text.lines().count() == 1;
        if !is_expected {
            problems.push(format!(
                "{}={:?}: unexpected error: {text}",
                self.name, row.value
            ));
        }
    }
}
