//! All variables of the specification and all of ours with odd values. The set-up starts, one WARN names the variable, and the
//! documented value is in force. Endpoints, headers and certificates are errors.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod check;
mod delays;
mod messages;
mod probe;
mod processes;
mod receiver;
mod rows;
#[allow(dead_code, reason = "shared by several tests")]
#[path = "../support/mod.rs"]
mod support;

use std::path::PathBuf;
use std::{env, fs, process};

use self::check::Variable;
use self::support::child::in_own_process;

/// Checks the variables in a process that inherits no variables.
fn assert_as_in_table(test: &str, variables: impl FnOnce() -> Vec<Variable>) {
    in_own_process(test, &[], || {
        let variables = variables();
        let problems: Vec<_> = variables.iter().flat_map(Variable::problems).collect();
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    });
}

#[test]
fn odd_counts_are_warnings_and_the_default_is_in_force() {
    let name = "odd_counts_are_warnings_and_the_default_is_in_force";
    assert_as_in_table(name, rows::counts);
}

#[test]
fn odd_limits_are_warnings_and_the_default_is_in_force() {
    let name = "odd_limits_are_warnings_and_the_default_is_in_force";
    assert_as_in_table(name, rows::limits);
}

#[test]
fn odd_delays_are_warnings_and_the_default_is_in_force() {
    let name = "odd_delays_are_warnings_and_the_default_is_in_force";
    in_own_process(name, &[], || {
        let problems = delays::problems(&rows::delays());
        assert!(problems.is_empty(), "\n{}", problems.join("\n"));
    });
}

#[test]
fn odd_timeouts_are_warnings_and_zero_is_no_limit() {
    let name = "odd_timeouts_are_warnings_and_zero_is_no_limit";
    assert_as_in_table(name, rows::timeouts);
}

#[test]
fn odd_booleans_are_warnings_and_mean_false() {
    let name = "odd_booleans_are_warnings_and_mean_false";
    assert_as_in_table(name, rows::switches);
}

#[test]
fn odd_samplers_and_ratios_are_warnings_and_the_default_decides() {
    let name = "odd_samplers_and_ratios_are_warnings_and_the_default_decides";
    assert_as_in_table(name, rows::samplers);
}

#[test]
fn odd_names_and_lists_are_warnings_and_the_valid_part_is_in_force() {
    let name = "odd_names_and_lists_are_warnings_and_the_valid_part_is_in_force";
    assert_as_in_table(name, rows::names);
}

#[test]
fn unknown_exporters_count_as_none_and_are_warnings() {
    let name = "unknown_exporters_count_as_none_and_are_warnings";
    assert_as_in_table(name, rows::exporters);
}

#[test]
fn odd_settings_of_exports_are_warnings_and_the_default_is_in_force() {
    let name = "odd_settings_of_exports_are_warnings_and_the_default_is_in_force";
    assert_as_in_table(name, rows::over_http);
}

#[test]
fn odd_settings_over_grpc_are_warnings_and_the_default_is_in_force() {
    let name = "odd_settings_over_grpc_are_warnings_and_the_default_is_in_force";
    assert_as_in_table(name, rows::over_grpc);
}

#[test]
fn variables_that_change_nothing_are_warnings() {
    let name = "variables_that_change_nothing_are_warnings";
    assert_as_in_table(name, rows::obsolete);
}

#[test]
fn a_process_starts_with_an_odd_value_and_writes_one_warning() {
    let name = "a_process_starts_with_an_odd_value_and_writes_one_warning";
    let problems = processes::problems(name, &rows::types());
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn odd_filters_and_formats_of_lines_are_warnings_and_the_default_is_in_force() {
    let name = "odd_filters_and_formats_of_lines_are_warnings_and_the_default_is_in_force";
    let problems = processes::problems(name, &rows::lines());
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn a_wrong_endpoint_is_an_error_that_names_its_variable() {
    let name = "a_wrong_endpoint_is_an_error_that_names_its_variable";
    assert_as_in_table(name, rows::endpoints);
}

#[test]
fn a_wrong_header_is_an_error_that_names_its_variable() {
    let name = "a_wrong_header_is_an_error_that_names_its_variable";
    assert_as_in_table(name, rows::headers);
}

#[test]
fn a_wrong_certificate_is_an_error_that_names_its_variable() {
    let name = "a_wrong_certificate_is_an_error_that_names_its_variable";
    assert_as_in_table(name, || {
        let file = |name: &str, text: &str| {
            let path: PathBuf =
                env::temp_dir().join(format!("otel-setup-{}-{name}", process::id()));
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        rows::certificates(
            &file("empty.pem", ""),
            &file("text.pem", "certificate"),
            &file("damaged.pem", damaged),
        )
    });
}
