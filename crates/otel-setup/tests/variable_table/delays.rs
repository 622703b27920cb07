//! Delays between exports. All rows are started, and then the times of their first exports are measured.

use std::thread;
use std::time::{Duration, Instant};

use otel_setup::Telemetry;

use crate::check::{Outcome, Variable};
use crate::probe;
use crate::receiver::Receiver;
use crate::support::Mood;

/// An export that has not come by then counts as later.
const LIMIT: Duration = Duration::from_secs(8);
/// How late an export may be on a machine that is busy.
const TOLERANCE: Duration = Duration::from_secs(2);

struct Started {
    assignment: String,
    expected: Duration,
    start: Instant,
    receiver: Receiver,
    _telemetry: Telemetry,
}

/// Returns what is not as the table says.
pub(crate) fn problems(variables: &[Variable]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut started = Vec::new();
    for variable in variables {
        for row in &variable.rows {
            let in_force = match &row.outcome {
                Outcome::Accepted(same_as) => same_as,
                Outcome::Warned { in_force, .. } => in_force,
                Outcome::Refused => continue,
            };
            let milliseconds = if in_force.is_empty() {
                &variable.default
            } else {
                in_force
            };
            let receiver = Receiver::start(Mood::Fine);
            let start = Instant::now();
            let case = variable.case(Some(row.value.clone()));
            let set_up = match probe::build(&case, &receiver, |builder| builder) {
                Ok(set_up) => set_up,
                Err(error) => {
                    problems.push(error.to_string());
                    continue;
                }
            };
            let warnings = set_up.warnings.take();
            probe::record_all(&set_up);
            match &row.outcome {
                Outcome::Warned { said, .. } => {
                    variable.check_warnings(row, said, &warnings, &mut problems);
                    variable.check_strict(row, false, &mut problems);
                }
                _ if warnings.is_empty() => {}
                _ => problems.push(format!("{}: {warnings:?}", variable.name)),
            }
            started.push(Started {
                assignment: format!("{}={:?}", variable.name, row.value),
                expected: Duration::from_millis(milliseconds.parse().unwrap()),
                start,
                receiver,
                _telemetry: set_up.telemetry,
            });
        }
    }
    let last = started.iter().map(|it| it.start).max().unwrap();
    thread::sleep(LIMIT.saturating_sub(last.elapsed()));
    for row in started {
        let requests = row.receiver.endpoint().requests();
        let first = requests.first().map(|request| request.at - row.start);
        let is_expected = match first {
            Some(first) => first >= row.expected && first < row.expected + TOLERANCE,
            None => row.expected > LIMIT,
        };
        if !is_expected {
            let Started {
                assignment,
                expected,
                ..
            } = row;
            problems.push(format!(
                "{assignment}: the first export after {first:?}, not {expected:?}"
            ));
        }
    }
    problems
}
