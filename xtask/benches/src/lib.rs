//! Measures code against other code in the same run.
//!
//! A bench is a program that names [`Case`]s and calls [`main`]. On a machine that does other things as well, times of
//! two runs cannot be compared, so all contenders of a case take turns in short rounds, and what counts is the median
//! of the rounds' ratios. Allocations are exact; instructions, counted by callgrind where valgrind is installed, repeat
//! within 1 %, and so do locked instructions, where objdump is installed as well.
//!
//! The first argument of a bench is a part of the names of its cases. With `--without-time` it counts only.

mod allocations;
mod case;
mod instructions;
mod locked;
mod processes;
mod row;
mod table;
mod time;

use std::env;

pub use case::{Case, Contender};
pub use processes::{Setup, main_in_processes};

use instructions::Count;
use row::Row;
use time::Time;

/// Measures the cases whose names contain the program's first argument, and prints one table: ours against each other.
pub fn main(cases: Vec<Case>) {
    if let Some(measured) = measure(cases)
        && !row::append(&Row::for_each(&measured))
    {
        table::print_pairs(&measured);
    }
}

/// The same, where the first contender of each case is what the others are added to: prints what each costs more.
pub fn main_over_first(cases: Vec<Case>) {
    if let Some(measured) = measure(cases) {
        let rows = Row::over_first(&measured);
        if !row::append(&rows) {
            table::print(&rows);
        }
    }
}

/// Returns true in the process that prints the table, if the table has times.
pub fn takes_time() -> bool {
    is_timed() && !row::goes_to_file()
}

fn is_timed() -> bool {
    env::args().all(|argument| argument != "--without-time")
}

/// What was measured of a case.
#[derive(Debug)]
struct Measured {
    name: String,
    contenders: Vec<MeasuredContender>,
}

/// What was measured of a contender, for one piece of work.
#[derive(Debug)]
struct MeasuredContender {
    name: String,
    allocations: f64,
    count: Option<Count>,
    time: Option<Time>,
}

/// Returns `None` in a process that runs under callgrind.
fn measure(mut cases: Vec<Case>) -> Option<Vec<Measured>> {
    let filter = env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    cases.retain(|case| {
        filter
            .as_deref()
            .is_none_or(|filter| case.name.contains(filter))
    });
    if instructions::is_counting() {
        instructions::show(&mut cases);
        return None;
    }
    if cases.is_empty() {
        return Some(Vec::new());
    }
    let allocations = allocations::count(&mut cases);
    let times = is_timed().then(|| time::measure(&mut cases));
    let counts = instructions::count(&cases);
    let mut measured = Vec::new();
    for (at, case) in cases.into_iter().enumerate() {
        let contenders = case.contenders.into_iter().enumerate();
        let contenders = contenders.map(|(place, contender)| MeasuredContender {
            name: contender.name,
            allocations: allocations[at][place],
            count: counts.as_ref().map(|counts| counts[at][place]),
            time: times.as_ref().map(|times| times[at][place]),
        });
        measured.push(Measured {
            name: case.name,
            contenders: contenders.collect(),
        });
    }
    Some(measured)
}
