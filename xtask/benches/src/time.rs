use std::time::{Duration, Instant};

use crate::{Case, Contender};

/// How long one contender takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Time {
    /// Median of the rounds, per piece of work.
    pub(crate) nanoseconds: f64,
    /// Median of the ratios of ours to this one, both of the same round.
    pub(crate) ratio: f64,
    /// Median of the differences to the first one, both of the same round.
    pub(crate) over_first: f64,
}

/// Lets the contenders of each case take turns.
pub(crate) fn measure(cases: &mut [Case]) -> Vec<Vec<Time>> {
    cases.iter_mut().map(measure_case).collect()
}

fn measure_case(case: &mut Case) -> Vec<Time> {
    let count = case.contenders.len();
    let mut rounds = vec![Vec::with_capacity(ROUNDS); count];
    for round in 0..ROUNDS {
        // Whoever follows another finds its caches; each takes every place in turn.
        for place in 0..count {
            let at = (round + place) % count;
            rounds[at].push(round_of(&mut case.contenders[at]));
        }
    }
    let first = rounds[0].clone();
    rounds
        .into_iter()
        .map(|theirs| Time {
            ratio: median(by_round(&first, &theirs, |first, theirs| first / theirs)),
            over_first: median(by_round(&first, &theirs, |first, theirs| theirs - first)),
            nanoseconds: median(theirs),
        })
        .collect()
}

/// Returns nanoseconds per piece of work.
fn round_of(contender: &mut Contender) -> f64 {
    let batch = BATCH.min(contender.at_once);
    let mut total = Duration::ZERO;
    for _ in 0..BATCH / batch {
        contender.work.prepare(batch);
        let start = Instant::now();
        contender.work.run();
        total += start.elapsed();
    }
    contender.work.prepare(0);
    total.as_nanos() as f64 / BATCH as f64
}

fn by_round(first: &[f64], theirs: &[f64], compare: fn(f64, f64) -> f64) -> Vec<f64> {
    let pairs = first.iter().zip(theirs);
    pairs
        .map(|(first, theirs)| compare(*first, *theirs))
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

const ROUNDS: usize = 2001;
/// Long enough for the clock, short enough to stay in the caches and mostly undisturbed.
const BATCH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_work_takes_about_twice_the_time() {
        let spin = |count: u32| {
            Contender::new("spin", move || count, |count| (0..*count).fold(1_u64, step))
        };
        fn step(value: u64, by: u32) -> u64 {
            std::hint::black_box(value.rotate_left(by))
        }
        let times = measure_case(&mut Case::new("spin", spin(100), [spin(200)]));
        assert_eq!(times[0].ratio, 1.0);
        assert!((0.3..0.7).contains(&times[1].ratio), "{times:?}");
    }

    #[test]
    fn the_median_is_the_middle_value() {
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
    }
}
