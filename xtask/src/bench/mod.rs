//! `cargo xtask bench`.

mod figures;
mod marks;
mod run;

use clap::Args;

use crate::cargo::run;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A bench of xtask/benches/benches, such as `propagation`
    #[arg(default_value = "propagation")]
    bench: String,
    /// Only the cases whose names contain this
    filter: Option<String>,
    /// Skips the rounds that take time, and only counts instructions and allocations
    #[arg(long)]
    without_time: bool,
    /// Prints the marks with the figures of the first version and of now. Fails if a row of `server` or `client` takes more than
    /// 2 % above its first version
    #[arg(long, conflicts_with_all = ["bench", "filter"])]
    marks: bool,
    /// Adds the rows that are missing in xtask/benches/marks.json, with their figures of now
    #[arg(long, requires = "marks")]
    record: bool,
}

/// Runs a bench, or compares with the marks.
pub(crate) fn run_one(options: &Options) -> anyhow::Result<()> {
    if options.marks {
        return marks::compare(options.record);
    }
    let mut command = run::command(&options.bench);
    command.args(&options.filter);
    if options.without_time {
        command.arg("--without-time");
    }
    run(&mut command)
}
