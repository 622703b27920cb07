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
    /// Counts instructions and allocations only
    #[arg(long)]
    without_time: bool,
    /// Counts what has a mark and compares it with the mark and with the first version; fails if the server or the client takes
    /// more than 2 % above its first version
    #[arg(long, conflicts_with_all = ["bench", "filter"])]
    marks: bool,
    /// Adds the figures of rows that xtask/benches/marks.json does not have yet
    #[arg(long, requires = "marks")]
    record: bool,
}

/// Measures ours and the others in one program, which prints a table of all; or compares with the marks.
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
