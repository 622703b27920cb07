//! Runs each set-up in its own process, since a global provider, propagator or subscriber can be set only once.

use std::process::{Command, Stdio};
use std::{env, fs, process};

use crate::row::{self, Row};
use crate::{Case, main_over_first, table};

/// Names the set-up in the process that measures it.
const VARIABLE: &str = "OTEL_BENCHES_SETUP";

/// The name of a set-up, and a function that installs it and returns its cases.
pub type Setup = (&'static str, fn() -> Vec<Case>);

/// Measures each set-up in its own process, and prints one table of what each contender costs more than the first contender of
/// its case.
///
/// The standard output of the processes is discarded.
pub fn main_in_processes(setups: &[Setup]) {
    if let Ok(name) = env::var(VARIABLE) {
        let setup = setups.iter().find(|(setup, _)| *setup == name);
        let (_, cases) = setup.expect("the variable names a set-up of this bench");
        return main_over_first(cases());
    }
    let given = env::var_os(row::VARIABLE);
    let own = env::temp_dir().join(format!("otel-benches-rows-{}", process::id()));
    let file = given.as_ref().map_or(own.as_path(), |given| given.as_ref());
    for (name, _) in setups {
        let program = env::current_exe().expect("a running program has a path");
        let mut command = Command::new(program);
        command
            .args(env::args().skip(1))
            .env(VARIABLE, name)
            .env(row::VARIABLE, file)
            .stdout(Stdio::null());
        let status = command.status().expect("this program can be started");
        assert!(status.success(), "the set-up {name}: {status}");
    }
    if given.is_none() {
        let text = fs::read_to_string(file).expect("each process has written its rows");
        let mut rows: Vec<_> = text.lines().filter_map(Row::from_line).collect();
        group_by_case(&mut rows);
        table::print(&rows);
        // Left in the temporary folder, it would do no harm.
        let _ = fs::remove_file(file);
    }
}

/// Moves all rows of a case to the place of its first row.
fn group_by_case(rows: &mut [Row]) {
    let cases: Vec<_> = rows.iter().map(|row| row.case.clone()).collect();
    rows.sort_by_key(|row| cases.iter().position(|case| *case == row.case));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_case_are_adjacent_and_keep_their_order() {
        let row = |case: &str, contender: &str| Row {
            case: case.to_owned(),
            contender: contender.to_owned(),
            figures: [None; 4],
        };
        let mut rows = [row("b", "1"), row("a", "1"), row("b", "2"), row("a", "2")];
        group_by_case(&mut rows);
        assert_eq!(
            rows,
            [row("b", "1"), row("b", "2"), row("a", "1"), row("a", "2")]
        );
    }
}
