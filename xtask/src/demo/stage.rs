//! The processes of the demo.

use std::time::Duration;

use otel_testkit::LogLine;

use crate::cargo::build_programs;
use crate::service::{self, Service};

/// The longest wait for a service, a trace or the end of a process.
pub(super) const LIMIT: Duration = Duration::from_secs(20);

/// Gateway and pricing, each in a process with its own port.
pub(crate) struct Stage {
    gateway: Service,
    pricing: Service,
}

/// What the gateway answered.
pub(crate) struct Answer {
    pub(crate) url: String,
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Stage {
    /// Starts the services, which export to this endpoint. In a broken stage they speak different formats.
    pub(crate) fn start(endpoint: &str, is_broken: bool) -> anyhow::Result<Self> {
        let programs = build_programs(&["--package", "otel-examples", "--bins"])?;
        let (sends, reads) = if is_broken {
            ("b3", "tracecontext")
        } else {
            ("", "")
        };
        let mut pricing = service::command(service::program(&programs, "pricing")?, endpoint);
        pricing.env("OTEL_PROPAGATORS", reads);
        let pricing = Service::start("pricing", &mut pricing, LIMIT)?;
        let mut gateway = service::command(service::program(&programs, "gateway")?, endpoint);
        gateway
            .env("OTEL_PROPAGATORS", sends)
            .env("PRICING_URL", &pricing.url);
        let gateway = Service::start("gateway", &mut gateway, LIMIT)?;
        Ok(Self { gateway, pricing })
    }

    /// Returns a URL of each service.
    pub(crate) fn urls(&self) -> [String; 2] {
        [
            format!("{}/checkout/breakfast", self.gateway.url),
            format!("{}/quote/espresso", self.pricing.url),
        ]
    }

    pub(crate) fn checkout(&self, query: &str) -> anyhow::Result<Answer> {
        let url = format!("{}/checkout/breakfast{query}", self.gateway.url);
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

    /// Ends both services and returns their log lines by time.
    pub(crate) fn stop(self) -> anyhow::Result<Vec<(String, LogLine)>> {
        let mut logs = self.gateway.stop(LIMIT)?;
        logs.extend(self.pricing.stop(LIMIT)?);
        logs.sort_by(|(_, a), (_, b)| a.timestamp().cmp(b.timestamp()));
        Ok(logs)
    }
}
