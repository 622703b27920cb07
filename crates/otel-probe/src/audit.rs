//! `otel-probe audit`.

use std::error::Error;

use clap::Args;
use otel_testkit::Audit;

use crate::{output, receiver::ReceiverOptions};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  otel-probe audit http://localhost:8080/users/7
  otel-probe audit http://localhost:8080/ --allow session.id --allow 'cookie:http.request.header.*'
  otel-probe audit http://localhost:8080/ --logs service.log --json

The service and the services behind it must export to this program: OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 and
OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf. Each run sends new made-up secrets.
Exit codes: 0 no secret was found, 1 a secret was found, 2 no result, because the service did not answer or exported
no span of these requests.")]
pub(crate) struct Options {
    /// URL to send the requests to; a route that calls other services covers most
    url: String,
    /// Field in which a secret is allowed, as `FIELD` or `SOURCE:FIELD`; a `*` at the end matches any ending
    #[arg(long, value_name = "FIELD")]
    allow: Vec<String>,
    /// Prints the report as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    receiver: ReceiverOptions,
}

/// Returns whether no secret was found.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let collector = options.receiver.start()?;
    let mut audit = Audit::new();
    for field in &options.allow {
        audit = audit.allow(field);
    }
    audit.send(&options.url)?;
    let received = options.receiver.finish(&collector)?;
    let report = audit.report(&received.traces, &received.logs);
    output::print_report(&report, options.json.then(|| report.to_json()))?;
    if report.is_empty() {
        return Err("no telemetry was exported to this program, see --help".into());
    }
    if !report.has_leaks() && !report.has_seen_requests() {
        return Err("no span of the audit's requests was received, see --help".into());
    }
    Ok(!report.has_leaks())
}
