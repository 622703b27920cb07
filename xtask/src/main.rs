//! What people type to work on this repository: `cargo xtask demo | test | bench | fuzz | interop | tidy | package | ci`.

mod bench;
mod cargo;
mod ci;
mod demo;
mod features;
mod fuzz;
mod interop;
mod metadata;
mod minimal;
mod newcomer;
mod package;
mod service;
mod soak;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask", about = "Works on this repository")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts two services, sends a request through both and shows its one trace and its log lines
    Demo(demo::Options),
    /// Installs what tests need beside Rust: a browser, where there is none; `test` does it first
    Tools,
    /// Runs every test, with nextest where it is installed, and the examples in the docs
    Test,
    /// Measures time, allocations and instructions against the other implementations
    Bench(bench::Options),
    /// Looks for input that breaks what reads headers and URLs
    Fuzz(fuzz::Options),
    /// Copies the README's snippets into a crate of their own, builds and runs it, and looks for the trace and the ids
    Newcomer,
    /// Sends 100,000 requests to a service whose collector stops and starts, and accounts for each span
    Soak(soak::Options),
    /// Sends requests through chains with services in other languages, and holds their traces to be whole
    Interop,
    /// Checks imports between files, the public API, file lengths, docs' first lines, links of the guides, lints, dependencies and licences
    Tidy,
    /// Packages the published crates and builds one of them from its package
    Package,
    /// Checks everything: format, lints, docs, the demo in its four forms, interop, ten seconds of each fuzz target, tests
    Ci(ci::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Demo(options) => demo::run(&options),
        Command::Tools => tools::install(),
        Command::Test => test::run_all(),
        Command::Bench(options) => bench::run_one(&options),
        Command::Fuzz(options) => fuzz::run_all(&options),
        Command::Newcomer => newcomer::run_all(),
        Command::Soak(options) => soak::run_all(&options),
        Command::Interop => interop::run_all(),
        Command::Tidy => tidy::run_all(),
        Command::Package => package::run_all(),
        Command::Ci(options) => ci::run_all(&options),
    }
}
