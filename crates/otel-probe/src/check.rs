//! `otel-probe check`.

use std::error::Error;

use clap::Args;
use otel_testkit::Check;

use crate::{output, receiver::ReceiverOptions};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  otel-probe check http://localhost:8080/checkout/breakfast
  otel-probe check http://localhost:8080/checkout/breakfast http://localhost:8081/quote/espresso
  otel-probe check http://localhost:8080/ --logs gateway.log --strict --json

The services must export to this program: OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 and
OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf. Each URL receives nine requests.
Exit codes: 0 no problem, 1 a problem, 2 no result, because a service did not answer or exported no span.")]
pub(crate) struct Options {
    /// URLs to send requests to: a route that calls other services, then a route of each of those services
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// Counts warnings as problems
    #[arg(long)]
    strict: bool,
    /// Prints the report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    receiver: ReceiverOptions,
}

/// Returns whether no problem was found.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let collector = options.receiver.start()?;
    let mut check = Check::new();
    for url in &options.urls {
        check.send(url)?;
    }
    let received = options.receiver.finish(&collector)?;
    if received.traces.is_empty() {
        return Err("no span was exported to this program, see --help".into());
    }
    let report = check.report(&received.traces, &received.logs);
    output::print_report(&report, options.json.then(|| report.to_json()))?;
    let passes = !options.strict || report.findings().is_empty();
    Ok(report.is_ok() && passes)
}
