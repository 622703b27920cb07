//! `otel-probe audit`.

use std::error::Error;

use clap::Args;
use otel_testkit::Audit;

use crate::receive;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  otel-probe audit http://localhost:8080/users/7
  otel-probe audit http://localhost:8080/ --allow session.id --allow 'cookie:http.request.header.*'
  otel-probe audit http://localhost:8080/ --logs service.log --json

The service, and those behind it, export to this program: OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 and
OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf. The secrets are made up, and new each time.
Exit codes: 0 no secret came out, 1 one did, 2 nothing is known, since the service did not answer or exported
no span of these requests.")]
pub(crate) struct Options {
    /// What to ask; best a route that calls other services
    url: String,
    /// A field that may hold what was sent, `FIELD` or `SOURCE:FIELD`; `*` at its end stands for the rest
    #[arg(long, value_name = "FIELD")]
    allow: Vec<String>,
    /// Prints one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    receive: receive::Options,
}

/// Returns whether no secret came out.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let collector = options.receive.start()?;
    let audit = Audit::new();
    let audit = options
        .allow
        .iter()
        .fold(audit, |audit, field| audit.allow(field));
    audit.send(&options.url)?;
    let received = options.receive.finish(&collector)?;
    let report = audit.report(&received.traces, &received.logs);
    crate::print(&if options.json {
        format!("{:#}\n", report.to_json())
    } else {
        report.to_string()
    })?;
    if report.is_empty() {
        return Err("nothing was exported to this program, see --help".into());
    }
    if !report.has_leaks() && !report.has_seen_requests() {
        return Err("nothing of the audit's requests arrived, see --help".into());
    }
    Ok(!report.has_leaks())
}
