//! Whether a second thread nearly doubles the rate.

use std::thread;
use std::time::Instant;

use crate::{dispatch, sink::Sink, work};

/// Prints lines per second with one thread and with two, the medians of rounds that take turns.
pub(crate) fn print() {
    let dispatch = dispatch(false, otel_log::layer().writer(Sink));
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (at, threads) in [1, 2].into_iter().enumerate() {
            let start = Instant::now();
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| work(&dispatch, LINES));
                }
            });
            rates[at].push((threads * LINES) as f64 / start.elapsed().as_secs_f64());
        }
    }
    let [one, two] = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    println!(
        "\nlines per second: one thread {one:.0}, two threads {two:.0}, ratio {:.2}",
        two / one
    );
}

const ROUNDS: usize = 21;
const LINES: u64 = 50_000;
