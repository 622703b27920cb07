//! `otel-probe`: reads propagation headers, receives traces, and checks running services.

mod audit;
mod check;
mod collect;
mod decode;
mod interrupt;
mod receive;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "otel-probe",
    version,
    about = "Looks into traces: headers, spans, and how services pass them on",
    after_help = "Exit codes: 0 all is well, 1 a finding, 2 it could not be done."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Explains traceparent, tracestate, b3, X-B3-* and baggage headers, and what is wrong with them
    Decode(decode::Options),
    /// Receives spans and log lines over OTLP and shows each trace
    Collect(collect::Options),
    /// Asks services with contexts in each format, and says where traces are continued, restarted, lost or split
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

/// Writes to standard output; that a pipe was closed, as `head` does, is no error.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
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
