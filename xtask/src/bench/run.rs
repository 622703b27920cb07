//! Runs benches.

use std::process::Command;
use std::{env, fs, process};

use anyhow::{Context as _, bail};

use super::figures::{Row, row_name};
use crate::cargo::{cargo, run};

/// Returns a command that builds and runs a bench. The caller may append arguments for the bench.
pub(crate) fn command(bench: &str) -> Command {
    let mut command = cargo(&[
        "bench",
        "--quiet",
        "--manifest-path",
        "xtask/benches/Cargo.toml",
    ]);
    command.args(["--bench", bench, "--"]);
    command
}

/// Runs a bench that only counts, and returns its rows.
pub(crate) fn count(bench: &str) -> anyhow::Result<Vec<Row>> {
    let file = env::temp_dir().join(format!("xtask-bench-{bench}-{}", process::id()));
    let mut command = command(bench);
    run(command
        .arg("--without-time")
        .env("OTEL_BENCHES_ROWS", &file))?;
    let text = fs::read_to_string(&file).context("the bench has written no rows")?;
    // Left in the temporary folder, it would do no harm.
    let _ = fs::remove_file(&file);
    text.lines().map(|line| read(bench, line)).collect()
}

fn read(bench: &str, line: &str) -> anyhow::Result<Row> {
    let cells: Vec<_> = line.split('\t').collect();
    let [case, contender, instructions, allocations, locked, _] = cells[..] else {
        bail!("the bench {bench} has written a line that is not a row: {line}");
    };
    let instructions: f64 = instructions
        .parse()
        .context("no instructions were counted: is valgrind installed?")?;
    Ok(Row {
        row: row_name(bench, case, contender),
        instructions: instructions.round(),
        allocations: allocations.parse()?,
        locked: locked.parse().ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_bench_is_a_row() {
        let row = read("server", "500\totel-tower\t19252.4\t12.5\t108\t").unwrap();
        assert_eq!(row.row, "server | 500 | otel-tower");
        assert_eq!(row.instructions, 19_252.0);
        assert_eq!(row.allocations, 12.5);
        assert_eq!(row.locked, Some(108.0));
    }

    #[test]
    fn without_objdump_a_row_has_no_locked_instructions() {
        let row = read("server", "500\totel-tower\t19252\t12\t\t").unwrap();
        assert_eq!(row.locked, None);
    }

    #[test]
    fn a_row_without_instructions_is_an_error() {
        let error = read("server", "500\totel-tower\t\t12\t\t").unwrap_err();
        assert!(error.to_string().contains("valgrind"), "{error}");
    }
}
