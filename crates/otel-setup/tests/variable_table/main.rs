//! All variables of the specification and all of ours with odd values. The set-up starts, one WARN names the variable, and the
//! documented value is in force. Endpoints, headers and certificates are errors.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod check;
#[cfg(all(feature = "grpc", feature = "logs", feature = "tls"))]
mod completeness;
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
use std::time::Duration;
use std::{env, fs, process};

use opentelemetry::trace::{Span as _, Tracer as _, TracerProvider as _};
use otel_setup::Builder;
use tracing_subscriber::Registry;

use self::check::Variable;
use self::receiver::Receiver;
use self::support::child::in_own_process;
use self::support::environment::with_only;
use self::support::{Endpoint, Mood};

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

/// Without the features some variables have no effect that the table could show.
#[cfg(all(feature = "grpc", feature = "logs", feature = "tls"))]
#[test]
fn the_table_has_each_variable_of_the_specification_and_of_the_docs() {
    let tested = completeness::tested();
    let specified = completeness::specified();
    let documented = completeness::documented();
    assert!(
        specified.is_subset(&tested),
        "{:?}",
        specified.difference(&tested)
    );
    assert!(
        documented.is_subset(&tested),
        "{:?}",
        documented.difference(&tested)
    );
    assert!(
        specified.is_subset(&documented),
        "{:?}",
        specified.difference(&documented)
    );
}

/// The spans of 20 roots, of a sampled trace and of an unsampled trace that each sampler records.
#[test]
fn each_sampler_decides_as_the_specification_says() {
    in_own_process(
        "each_sampler_decides_as_the_specification_says",
        &[],
        || {
            let table = [
                ("", "", [20, 1, 0]),
                ("always_on", "", [20, 1, 1]),
                ("always_off", "", [0, 0, 0]),
                ("traceidratio", "", [20, 1, 1]),
                ("traceidratio", "0.25", [5, 1, 1]),
                ("traceidratio", "0", [0, 0, 0]),
                ("parentbased_always_on", "0", [20, 1, 0]),
                ("parentbased_always_off", "", [0, 1, 0]),
                ("parentbased_traceidratio", "0.25", [5, 1, 0]),
                ("parentbased_traceidratio", "1", [20, 1, 0]),
            ];
            for (sampler, argument, expected) in table {
                let variables = [
                    ("OTEL_TRACES_SAMPLER", sampler),
                    ("OTEL_TRACES_SAMPLER_ARG", argument),
                ];
                let variables = variables.map(|(name, value)| (name.to_owned(), value.into()));
                let case = probe::Case {
                    variables: variables.to_vec(),
                    is_strict: true,
                };
                let seen = probe::exports(&case).unwrap().text;
                let kinds = ["root", "of a sampled trace", "of an unsampled trace"];
                for (kind, expected) in kinds.into_iter().zip(expected) {
                    let line = format!("  {expected} spans {kind:?}\n");
                    let is_empty = expected == 0 && !seen.contains("/v1/traces");
                    assert!(
                        seen.contains(&line) || is_empty,
                        "{sampler} {argument}: {seen}"
                    );
                }
            }
        },
    );
}

/// Zero is not a time of zero, and not the default either.
#[test]
fn a_timeout_of_zero_waits_for_a_slow_answer_over_http() {
    in_own_process(
        "a_timeout_of_zero_waits_for_a_slow_answer_over_http",
        &[],
        || {
            for (timeout, is_exported) in [("0", true), ("200", false), ("", true)] {
                let answer = Duration::from_millis(800);
                let endpoint = Endpoint::start(Mood::Slow(answer));
                let variables = [
                    ("OTEL_EXPORTER_OTLP_TIMEOUT", timeout),
                    ("OTEL_METRICS_EXPORTER", "none"),
                ];
                let telemetry = with_only(&variables, || {
                    let builder = otel_setup::builder().service_name("checkout");
                    let set_up = builder.otlp_endpoint(endpoint.url()).build::<Registry>();
                    set_up.unwrap().telemetry
                });
                let tracer = telemetry.tracer_provider().unwrap().tracer("test");
                tracer.start("work").end();
                let counts = telemetry.shutdown().unwrap();
                assert_eq!(counts.exported, u64::from(is_exported), "{timeout:?}");
                assert_eq!(counts.lost, u64::from(!is_exported), "{timeout:?}");
            }
        },
    );
}

#[test]
fn headers_of_the_environment_are_not_sent_if_the_program_overrides_them() {
    let name = "headers_of_the_environment_are_not_sent_if_the_program_overrides_them";
    in_own_process(name, &[], || {
        let grpc = if cfg!(feature = "grpc") {
            "grpc"
        } else {
            "http/protobuf"
        };
        for protocol in ["http/protobuf", grpc] {
            let receiver = Receiver::start(Mood::Fine);
            let variables = [
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                (
                    "OTEL_EXPORTER_OTLP_HEADERS",
                    "api-key=s3cret,tenant=environment",
                ),
                ("OTEL_METRICS_EXPORTER", "none"),
            ];
            let variables = variables.map(|(name, value)| (name.to_owned(), value.into()));
            let case = probe::Case {
                variables: variables.to_vec(),
                is_strict: true,
            };
            let overridden = |builder: Builder| {
                builder.override_variable("OTEL_EXPORTER_OTLP_HEADERS", "tenant=program")
            };
            let set_up = probe::build(&case, &receiver, overridden).unwrap();
            probe::record_all(&set_up);
            drop(set_up.telemetry);
            let exports = receiver.exports();
            assert!(!exports.is_empty());
            for export in exports {
                assert_eq!(export.headers.get("tenant").unwrap(), "program");
                assert_eq!(export.headers.get("api-key"), None);
            }
        }
    });
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

#[cfg(feature = "tls")]
#[test]
fn a_client_certificate_and_key_that_cannot_be_used_are_an_error() {
    let name = "a_client_certificate_and_key_that_cannot_be_used_are_an_error";
    in_own_process(name, &[], || {
        let path = env::temp_dir().join(format!("otel-setup-{}-pair.pem", process::id()));
        let grpc = if cfg!(feature = "grpc") {
            "grpc"
        } else {
            "http/protobuf"
        };
        for text in [
            "",
            "certificate",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            fs::write(&path, text).unwrap();
            for protocol in ["http/protobuf", grpc] {
                let path = path.to_str().unwrap();
                let variables = [
                    ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                    ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", path),
                    ("OTEL_EXPORTER_OTLP_CLIENT_KEY", path),
                ];
                let variables = variables.map(|(name, value)| (name.to_owned(), value.into()));
                let case = probe::Case {
                    variables: variables.to_vec(),
                    is_strict: false,
                };
                let error = probe::start(&case).unwrap_err();
                assert!(error.is_invalid_variable(), "{error}");
                assert!(
                    error.to_string().starts_with("OTEL_EXPORTER_OTLP_CLIENT_"),
                    "{error}"
                );
            }
        }
        fs::remove_file(path).unwrap();
    });
}
