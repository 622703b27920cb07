//! `otel-probe`: explains propagation headers, receives traces, and checks running services.

mod audit;
mod check;
mod collect;
mod decode;
mod output;
mod progress;
mod receiver;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "otel-probe",
    version,
    about = "Explains trace headers, receives traces, and checks running services",
    after_help = "Exit codes: 0 success, 1 a problem was found, 2 the command could not run."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Explains traceparent, tracestate, baggage, b3 and X-B3-* headers and points at errors in them
    Decode(decode::Options),
    /// Receives spans and log records over OTLP and prints each trace
    Collect(collect::Options),
    /// Sends requests with a context in each format and reports where traces continue, restart, split or get lost
    Check(check::Options),
    /// Sends made-up secrets to a service and searches its spans and log lines for them
    Audit(audit::Options),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Decode(options) => decode::run(&options),
        Command::Collect(options) => collect::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Audit(options) => audit::run(&options),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("otel-probe: {error}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_each_help_has_an_example() {
        let mut command = Arguments::command();
        command.build();
        command.clone().debug_assert();
        for command in command
            .get_subcommands_mut()
            .filter(|it| it.get_name() != "help")
        {
            let help = command.render_help().to_string();
            let example = format!("\n  otel-probe {} ", command.get_name());
            assert!(
                help.contains("Examples:") && help.contains(&example),
                "{help}"
            );
        }
    }
}
