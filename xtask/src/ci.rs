//! `cargo xtask ci`.

use std::time::Instant;

use clap::Args;

use crate::cargo::{cargo, run};
use crate::{demo, features, fuzz, interop, minimal, newcomer, package, test, tidy};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leaves the tests out, for a caller that runs `cargo xtask test` itself
    #[arg(long)]
    without_tests: bool,
}

pub(crate) fn run_all(options: &Options) -> anyhow::Result<()> {
    step("format", || run(&mut cargo(&["fmt", "--all", "--check"])))?;
    step("tidy", tidy::run_all)?;
    step("lints", || {
        let lint = ["clippy", "--workspace", "--all-targets", "--all-features"];
        run(cargo(&lint).args(["--", "-D", "warnings"]))
    })?;
    step("each feature alone", features::check_each_alone)?;
    step("oldest versions", minimal::check)?;
    step("packages", package::run_all)?;
    step("benches and fuzz targets", || {
        for manifest in ["xtask/benches/Cargo.toml", "xtask/fuzz/Cargo.toml"] {
            let place = ["--manifest-path", manifest];
            run(cargo(&["fmt", "--check"]).args(place))?;
            let lint = ["clippy", "--all-targets", "--locked"];
            run(cargo(&lint).args(place).args(["--", "-D", "warnings"]))?;
        }
        Ok(())
    })?;
    step("docs", || {
        let doc = ["doc", "--workspace", "--no-deps", "--all-features"];
        // As docs.rs builds them, where each item says which feature brings it. That is not stable in rustdoc yet.
        run(cargo(&doc)
            .env("RUSTDOCFLAGS", "-D warnings --cfg docsrs")
            .env("RUSTC_BOOTSTRAP", "1"))
    })?;
    step("demo", || demo::run(&demo::Options::default()))?;
    step("demo --fail", || demo::run(&demo::Options::failing()))?;
    step("demo --flaky", || demo::run(&demo::Options::flaky()))?;
    step("demo --break", || demo::run(&demo::Options::broken()))?;
    step("the README's snippets", newcomer::run_all)?;
    step("interop", interop::run_all)?;
    step("fuzz", || fuzz::run_all(&fuzz::Options::repeatable()))?;
    if options.without_tests {
        return Ok(());
    }
    step("tests", test::run_all)
}

fn step(name: &str, check: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    eprintln!("\n== {name}");
    let start = Instant::now();
    check()?;
    eprintln!("== {name}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
