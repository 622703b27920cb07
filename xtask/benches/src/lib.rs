//! Measures code against other code in the same run.
//!
//! A bench is a program that names [`Case`]s and calls [`main`]. On a machine that does other things as well, times of
//! two runs cannot be compared, so all contenders of a case take turns in short rounds, and what counts is the median
//! of the rounds' ratios. Allocations are exact; instructions, counted by callgrind where valgrind is installed, repeat
//! within 1 %.

mod allocations;
mod case;
mod instructions;
mod table;
mod time;

use std::env;

pub use case::{Case, Contender};

/// Measures the cases whose names contain the program's first argument, and prints one table: ours against each other.
pub fn main(cases: Vec<Case>) {
    measure(cases, table::print);
}

/// The same, where the first contender of each case is what the others are added to: prints what each costs more.
pub fn main_over_first(cases: Vec<Case>) {
    measure(cases, table::print_over_first);
}

type Print = fn(&[Case], &[Vec<time::Time>], &[Vec<u64>], Option<&[Vec<u64>]>);

fn measure(mut cases: Vec<Case>, print: Print) {
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
        return;
    }
    let allocations = allocations::count(&mut cases);
    let times = time::measure(&mut cases);
    let instructions = instructions::count(&cases);
    print(&cases, &times, &allocations, instructions.as_deref());
}
