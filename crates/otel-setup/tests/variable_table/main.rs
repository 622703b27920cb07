//! All variables of the specification and all of ours with odd values. The set-up starts, one WARN names the variable, and the
//! documented value is in force. Endpoints, headers and certificates are errors.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod check;
mod messages;
mod probe;
mod receiver;
mod rows;
#[allow(dead_code, reason = "shared by several tests")]
#[path = "../support/mod.rs"]
mod support;

use self::check::Variable;
use self::support::child::in_own_process;

/// Checks the variables in a process that inherits no variables.
fn assert_as_in_table(test: &str, variables: fn() -> Vec<Variable>) {
    in_own_process(test, &[], || {
        let start = std::time::Instant::now();
        let problems: Vec<_> = variables().iter().flat_map(|variable| { let s = std::time::Instant::now(); let p = variable.problems(); eprintln!("{} {:?}", variable.name, s.elapsed()); p }).collect();
        eprintln!("{test} {:?}", start.elapsed());
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    });
}

#[test]
fn odd_counts_are_warnings_and_the_default_is_in_force() {
    assert_as_in_table("odd_counts_are_warnings_and_the_default_is_in_force", rows::counts);
}

#[test]
fn odd_limits_are_warnings_and_the_default_is_in_force() {
    assert_as_in_table("odd_limits_are_warnings_and_the_default_is_in_force", rows::limits);
}
