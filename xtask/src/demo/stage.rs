//! The processes of the demo.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use otel_testkit::{Collector, LogLine, Process};

use crate::cargo::build_programs;
use crate::service;

/// The longest wait for a service, a trace or the end of a process.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// Where the services send their spans.
pub(crate) enum Export {
    Here(Collector),
    There(String),
}

impl Export {
    pub(crate) fn new(url: Option<&str>) -> anyhow::Result<Self> {
        Ok(match url {
            Some(url) => Self::There(url.to_owned()),
            None => Self::Here(Collector::start()?),
        })
    }

    pub(crate) fn collector(&self) -> Option<&Collector> {
        match self {
            Self::Here(collector) => Some(collector),
            Self::There(_) => None,
        }
    }

    fn endpoint(&self) -> String {
        match self {
            Self::Here(collector) => collector.http_endpoint(),
            Self::There(url) => url.clone(),
        }
    }
}

/// Whether the two services speak different formats.
#[derive(Clone, Copy)]
pub(crate) struct Broken(pub(crate) bool);

/// Gateway and pricing, each in its own process on a port of its own.
pub(crate) struct Stage {
    gateway: Process,
    pricing: Process,
    gateway_url: String,
    pricing_url: String,
}

/// What the gateway answered.
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Stage {
    pub(crate) fn start(export: &Export, Broken(broken): Broken) -> anyhow::Result<Self> {
        let programs = build_programs("otel-examples")?;
        let (sends, reads) = if broken {
            ("b3", "tracecontext")
        } else {
            ("", "")
        };
        let mut pricing = service(&programs, "pricing", export)?;
        pricing.env("OTEL_PROPAGATORS", reads);
        let (pricing, pricing_url) = service::start("pricing", &mut pricing, LIMIT)?;
        let mut gateway = service(&programs, "gateway", export)?;
        gateway
            .env("OTEL_PROPAGATORS", sends)
            .env("PRICING_URL", &pricing_url);
        let (gateway, gateway_url) = service::start("gateway", &mut gateway, LIMIT)?;
        Ok(Self {
            gateway,
            pricing,
            gateway_url,
            pricing_url,
        })
    }

    /// One route of each.
    pub(crate) fn urls(&self) -> [String; 2] {
        [
            format!("{}/checkout/breakfast", self.gateway_url),
            format!("{}/quote/espresso", self.pricing_url),
        ]
    }

    pub(crate) fn checkout(&self, query: &str) -> anyhow::Result<Answer> {
        let url = format!("{}/checkout/breakfast{query}", self.gateway_url);
        let response = reqwest::blocking::Client::builder()
            .timeout(LIMIT)
            .build()?
            .get(&url)
            .send()?;
        Ok(Answer {
            url,
            status: response.status().as_u16(),
            body: response.text()?,
        })
    }

    /// Ends both, which flushes what they have not exported yet, and returns their log lines by time, each with the
    /// name of its service.
    pub(crate) fn stop(self) -> anyhow::Result<Vec<(&'static str, LogLine)>> {
        let mut logs = Vec::new();
        for (name, mut process) in [("gateway", self.gateway), ("pricing", self.pricing)] {
            process.terminate(LIMIT)?;
            logs.extend(process.logs().into_iter().map(|line| (name, line)));
        }
        logs.sort_by(|(_, a), (_, b)| a.timestamp().cmp(b.timestamp()));
        Ok(logs)
    }
}

fn service(programs: &[PathBuf], name: &str, export: &Export) -> anyhow::Result<Command> {
    let program = service::program(programs, name)?;
    Ok(service::command(program, &export.endpoint()))
}
