//! `cargo xtask demo`: one request through two services, its one trace and its log lines.

mod check;
mod expect;
mod page;
mod show;
mod stage;

use std::path::PathBuf;

use clap::Args;

use self::stage::{Broken, Export, Stage};

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
    let export = Export::new(options.otlp.as_deref())?;
    let stage = Stage::start(&export, Broken(options.broken))?;
    let answer = stage.checkout(options.query())?;
    show::answer(&answer);
    let Some(collector) = export.collector() else {
        let logs = stage.stop()?;
        let url = options.otlp.as_deref().unwrap_or_default();
        expect::exported(&logs, url)?;
        show::exported(expect::trace_id(&logs)?, url);
        return Ok(());
    };
    let expected = if options.flaky {
        expect::FLAKY
    } else {
        expect::WHOLE
    };
    let traces = expect::spans(collector, expected)?;
    // Whatever is still to come has come when both have ended.
    let logs = stage.stop()?;
    expect::nothing_more(collector, &traces)?;
    if let Some(file) = &options.html {
        page::write(file, &traces, &logs)?;
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
