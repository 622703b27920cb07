//! `otel-probe check`.

use std::error::Error;

use clap::Args;
use otel_testkit::Check;

use crate::receive;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  otel-probe check http://localhost:8080/checkout/breakfast
  otel-probe check http://localhost:8080/checkout/breakfast http://localhost:8081/quote/espresso
  otel-probe check http://localhost:8080/ --logs gateway.log --strict --json

The services export to this program: OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 and
OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf. Each URL is asked nine times.
Exit codes: 0 no problem, 1 a problem, 2 nothing is known, since a service did not answer or nothing was exported.")]
pub(crate) struct Options {
    /// What to ask: a route that calls other services, then routes of those, to learn what each reads
    #[arg(value_name = "URL", required = true)]
    urls: Vec<String>,
    /// Makes warnings problems
    #[arg(long)]
    strict: bool,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    receive: receive::Options,
}

/// Returns whether there is no problem.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let collector = options.receive.start()?;
    let mut check = Check::new();
    for url in &options.urls {
        check.send(url)?;
    }
    let received = options.receive.finish(&collector)?;
    if received.traces.is_empty() {
        return Err("nothing was exported to this program, see --help".into());
    }
    let report = check.report(&received.traces, &received.logs);
    crate::print(&if options.json {
        format!("{:#}\n", report.to_json())
    } else {
        report.to_string()
    })?;
    let passes = !options.strict || report.findings().is_empty();
    Ok(report.is_ok() && passes)
}
