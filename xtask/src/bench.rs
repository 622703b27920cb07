//! `cargo xtask bench`.

use clap::Args;

use crate::cargo::{cargo, run};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A file of xtask/benches/benches, such as `propagation`
    #[arg(default_value = "propagation")]
    bench: String,
    /// Only the cases whose names contain this
    filter: Option<String>,
}

/// Measures ours and the others in one program, which prints a table of all.
pub(crate) fn run_one(options: &Options) -> anyhow::Result<()> {
    let mut command = cargo(&[
        "bench",
        "--quiet",
        "--manifest-path",
        "xtask/benches/Cargo.toml",
    ]);
    command.args(["--bench", &options.bench]);
    if let Some(filter) = &options.filter {
        command.args(["--", filter]);
    }
    run(&mut command)
}
