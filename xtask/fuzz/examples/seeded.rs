//! Runs the checks on random variations of the seeds, for machines where libFuzzer cannot be built.
//!
//! `seeded SECONDS [TARGET…]`. The same seed of the generator on every run, so a failure comes again.

use std::error::Error;
use std::panic::catch_unwind;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use otel_fuzz::{TARGETS, Target};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let seconds: u64 = arguments
        .next()
        .ok_or("usage: seeded SECONDS [TARGET…]")?
        .parse()?;
    let names: Vec<String> = arguments.collect();
    if let Some(unknown) = names
        .iter()
        .find(|it| TARGETS.iter().all(|(name, _)| name != it))
    {
        return Err(format!("unknown target {unknown:?}").into());
    }
    for target in TARGETS {
        if names.is_empty() || names.iter().any(|name| name == target.0) {
            run(target, Duration::from_secs(seconds))?;
        }
    }
    Ok(())
}

fn run((name, check): Target, limit: Duration) -> Result<(), Box<dyn Error>> {
    let seeds = read_seeds(name)?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let start = Instant::now();
    let mut runs = 0_u64;
    let mut inputs = seeds.iter().cloned();
    while start.elapsed() < limit {
        let input = inputs.next().unwrap_or_else(|| random.variation(&seeds));
        if catch_unwind(|| check(&input)).is_err() {
            return Err(format!("{name} fails on \"{}\"", input.escape_ascii()).into());
        }
        runs += 1;
    }
    eprintln!("{name}: {runs} runs in {} s", limit.as_secs());
    Ok(())
}

fn read_seeds(name: &str) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(name);
    let mut files = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    files.sort();
    files.into_iter().map(|file| Ok(fs::read(file)?)).collect()
}

/// A xorshift generator; nothing here needs a better one.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// A seed with up to eight changes: a byte flipped, put in or set, a piece taken out, or one of another seed put in.
    fn variation(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(8) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(20)).min(input.len());
            match self.below(5) {
                0 if at < input.len() => input[at] ^= 1 << self.below(8),
                1 => input.insert(at, self.below(256) as u8),
                2 if at < input.len() => input[at] = SPECIAL[self.below(SPECIAL.len())],
                3 => drop(input.drain(at..end)),
                _ => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len());
                    let to = (from + self.below(40)).min(other.len());
                    input.splice(at..at, other[from..to].iter().copied());
                }
            }
        }
        input
    }
}

/// What separates in one of the formats.
const SPECIAL: &[u8] = b"-,;=:?&#%@/\\\"' \t\n019adfAF\x00\x7f\xc3\xbc\xff";
