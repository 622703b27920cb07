//! `cargo xtask demo`: one request through two services, its one trace and its log lines.

mod check;
mod expect;
mod show;
mod stage;

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use otel_testkit::{Collector, HtmlPage};

use self::stage::Stage;

#[derive(Debug, Default, Args)]
pub(crate) struct Options {
    /// Lets the look-up in pricing fail, to see an error's way through the trace
    #[arg(long)]
    fail: bool,
    /// Lets pricing be unavailable twice, to see the gateway's attempts side by side
    #[arg(long, conflicts_with_all = ["fail", "broken"])]
    flaky: bool,
    /// Lets the gateway speak B3 to a pricing service that reads only W3C, to see a trace break in two
    #[arg(long = "break", conflicts_with = "fail")]
    broken: bool,
    /// Exports to this OTLP endpoint (HTTP, such as http://localhost:4318) instead of showing the trace here
    #[arg(long, value_name = "URL", conflicts_with = "broken")]
    otlp: Option<String>,
    /// Writes the traces and their log lines to this file as a web page
    #[arg(long, value_name = "FILE", conflicts_with = "otlp")]
    html: Option<PathBuf>,
}

impl Options {
    pub(crate) fn failing() -> Self {
        Self {
            fail: true,
            ..Self::default()
        }
    }

    pub(crate) fn flaky() -> Self {
        Self {
            flaky: true,
            ..Self::default()
        }
    }

    pub(crate) fn broken() -> Self {
        Self {
            broken: true,
            ..Self::default()
        }
    }

    fn query(&self) -> &'static str {
        if self.fail {
            "?fail=1"
        } else if self.flaky {
            "?flaky=1"
        } else {
            ""
        }
    }
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    match &options.otlp {
        Some(url) => export_to(url, options.query()),
        None => show_here(options),
    }
}

fn export_to(url: &str, query: &str) -> anyhow::Result<()> {
    let stage = Stage::start(url, false)?;
    show::answer(&stage.checkout(query)?);
    let logs = stage.stop()?;
    expect::exported(&logs, url)?;
    show::exported(expect::trace_id(&logs)?, url);
    Ok(())
}

fn show_here(options: &Options) -> anyhow::Result<()> {
    let collector = Collector::start()?;
    let stage = Stage::start(&collector.http_endpoint(), options.broken)?;
    show::answer(&stage.checkout(options.query())?);
    let expected = if options.flaky {
        expect::FLAKY
    } else {
        expect::WHOLE
    };
    let traces = expect::spans(&collector, expected)?;
    // After both services have ended, no more spans arrive.
    let logs = stage.stop()?;
    expect::nothing_more(&collector, &traces)?;
    if let Some(file) = &options.html {
        let lines: Vec<_> = logs.iter().map(|(_, line)| line.clone()).collect();
        let page = HtmlPage::new(&traces, &lines).to_string();
        fs::write(file, page).with_context(|| format!("cannot write {}", file.display()))?;
        eprintln!("The page is {}; open it in a browser.\n", file.display());
    }
    if options.broken {
        expect::broken_in_two(&traces)?;
        show::broken(&traces, &check::broken()?);
    } else if options.flaky {
        let trace = expect::attempts(&traces)?;
        show::flaky(trace, &expect::lines_of(trace, &logs)?);
    } else {
        let trace = expect::one_trace(&traces)?;
        show::whole(trace, &expect::lines_of(trace, &logs)?, options.fail);
    }
    Ok(())
}
