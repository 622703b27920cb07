//! The processes of the chains, and what they leave behind.

use std::collections::HashSet;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use otel_testkit::opentelemetry::TraceId;
use otel_testkit::opentelemetry::trace::SpanKind;
use otel_testkit::{Collector, LogLine, Trace};

use super::chain::Chain;
use super::expect::{Answer, TENANT};
use super::format::Format;
use super::programs::Programs;
use super::theirs::Theirs;
use crate::service::Service;

/// The longest wait for a service, a trace or the end of a process. Python takes seconds to start on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Ours, theirs and ours, each of which asks the next.
pub(crate) struct Stage {
    collector: Collector,
    services: [Service; 3],
    seen: HashSet<TraceId>,
}

/// One request through a chain.
pub(crate) struct Run {
    /// The names of the services, in the order of the request.
    pub(crate) services: Vec<&'static str>,
    pub(crate) answer: anyhow::Result<Answer>,
    traces: HashSet<TraceId>,
}

impl Stage {
    pub(crate) fn start(
        programs: &Programs,
        span_layer: &str,
        theirs: Theirs,
        ours_speak: &Format,
        they_speak: &Format,
    ) -> anyhow::Result<Self> {
        let collector = Collector::start()?;
        let endpoint = collector.http_endpoint();
        let ours = || programs.ours(span_layer, &endpoint);
        let last = start("ours-b", ours(), ours_speak, "")?;
        let command = programs.theirs(theirs, &endpoint);
        let middle = start(theirs.name(), command, they_speak, &last.url)?;
        let first = start("ours-a", ours(), ours_speak, &middle.url)?;
        Ok(Self {
            collector,
            services: [first, middle, last],
            seen: HashSet::new(),
        })
    }

    /// Sends a request, and waits for the SERVER span of each service, which is the last that it ends. One that does not
    /// come will be found missing.
    pub(crate) fn run(&mut self, chain: Chain) -> Run {
        let services = self.services.get(chain.places).unwrap_or_default();
        let hops = services.len().saturating_sub(1);
        let first = services.first().map_or("", |first| &first.url);
        let answer = send(&format!("{first}/relay/{hops}"));
        let is_new = |trace: &&Trace| !self.seen.contains(&trace.id());
        let all_came = |traces: &[Trace]| {
            let new = traces.iter().filter(is_new);
            new.map(servers).sum::<usize>() >= services.len()
        };
        let traces = self.collector.wait_for(all_came, LIMIT);
        let traces = traces.unwrap_or_else(|_| self.collector.traces());
        let traces: HashSet<_> = traces.iter().filter(is_new).map(Trace::id).collect();
        let services = services.iter().map(|service| service.name).collect();
        self.seen.extend(&traces);
        Run {
            services,
            answer,
            traces,
        }
    }

    /// Ends all, which flushes what they have.
    pub(crate) fn end(self) -> anyhow::Result<Records> {
        let mut lines = Vec::new();
        for service in self.services {
            lines.extend(service.stop(LIMIT)?);
        }
        for line in self.collector.logs() {
            let service = line.service().unwrap_or_default().to_owned();
            lines.push((service, line));
        }
        let traces = self.collector.traces();
        for trace in &traces {
            let is_known = self.seen.contains(&trace.id());
            ensure!(is_known, "this trace came after its chain:\n{trace}");
        }
        Ok(Records { traces, lines })
    }
}

/// Everything the services have exported and written.
pub(crate) struct Records {
    traces: Vec<Trace>,
    /// The log lines, each with the name of its service.
    pub(crate) lines: Vec<(String, LogLine)>,
}

impl Records {
    pub(crate) fn traces_of(&self, run: &Run) -> Vec<&Trace> {
        let traces = self.traces.iter();
        traces
            .filter(|trace| run.traces.contains(&trace.id()))
            .collect()
    }
}

fn start(
    name: &'static str,
    mut command: Command,
    format: &Format,
    next: &str,
) -> anyhow::Result<Service> {
    command
        .env("OTEL_SERVICE_NAME", name)
        .env("OTEL_PROPAGATORS", format.propagators)
        .env("NEXT_URL", next);
    Service::start(name, &mut command, LIMIT)
}

fn send(url: &str) -> anyhow::Result<Answer> {
    let client = reqwest::blocking::Client::builder()
        .timeout(LIMIT)
        .build()?;
    let request = client.get(url).header("baggage", TENANT.header);
    let response = request.send()?.error_for_status()?;
    response.json().context("the answer cannot be read")
}

fn servers(trace: &Trace) -> usize {
    let spans = trace.spans().iter();
    spans
        .filter(|span| *span.kind() == SpanKind::Server)
        .count()
}
