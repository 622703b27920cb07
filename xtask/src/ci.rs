//! `cargo xtask ci`.

use std::time::{Duration, Instant};

use clap::Args;

use crate::cargo::{cargo, run};
use crate::{demo, features, fuzz, interop, minimal, newcomer, package, test, tidy};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leaves the tests out, for a caller that runs `cargo xtask test` itself
    #[arg(long)]
    without_tests: bool,
}

struct Step {
    name: &'static str,
    /// Seconds. If the step takes longer, the table says so, and the step does not fail.
    budget: u64,
    check: fn() -> anyhow::Result<()>,
}

const fn step(name: &'static str, budget: u64, check: fn() -> anyhow::Result<()>) -> Step {
    Step {
        name,
        budget,
        check,
    }
}

/// The steps in their order. The budgets add up to 40 minutes, so a new step takes its time from the other steps.
const STEPS: [Step; 16] = [
    step("format", 10, || {
        run(&mut cargo(&["fmt", "--all", "--check"]))
    }),
    step("tidy", 150, tidy::run_all),
    step("lints", 210, || {
        let lint = ["clippy", "--workspace", "--all-targets", "--all-features"];
        run(cargo(&lint).args(["--", "-D", "warnings"]))
    }),
    step("each feature alone", 240, features::check_each_alone),
    step("oldest versions", 150, minimal::check),
    step("packages", 120, package::run_all),
    step("benches and fuzz targets", 210, || {
        for manifest in ["xtask/benches/Cargo.toml", "xtask/fuzz/Cargo.toml"] {
            let place = ["--manifest-path", manifest];
            run(cargo(&["fmt", "--check"]).args(place))?;
            let lint = ["clippy", "--all-targets", "--locked"];
            run(cargo(&lint).args(place).args(["--", "-D", "warnings"]))?;
        }
        Ok(())
    }),
    step("docs", 120, || {
        let doc = ["doc", "--workspace", "--no-deps", "--all-features"];
        // As docs.rs builds them, where each item says which feature brings it. That is not stable in rustdoc yet.
        run(cargo(&doc)
            .env("RUSTDOCFLAGS", "-D warnings --cfg docsrs")
            .env("RUSTC_BOOTSTRAP", "1"))
    }),
    step("demo", 120, || demo::run(&demo::Options::default())),
    step("demo --fail", 30, || demo::run(&demo::Options::failing())),
    step("demo --flaky", 30, || demo::run(&demo::Options::flaky())),
    step("demo --break", 30, || demo::run(&demo::Options::broken())),
    step("the README's snippets", 150, newcomer::run_all),
    step("interop", 150, interop::run_all),
    step("fuzz", 180, || fuzz::run_all(&fuzz::Options::repeatable())),
    step(TESTS, 500, test::run_all),
];

const TESTS: &str = "tests";

pub(crate) fn run_all(options: &Options) -> anyhow::Result<()> {
    let mut times = Vec::new();
    let mut result = Ok(());
    for step in &STEPS {
        if options.without_tests && step.name == TESTS {
            continue;
        }
        eprintln!("\n== {}", step.name);
        let start = Instant::now();
        result = (step.check)();
        let taken = start.elapsed();
        times.push((step, taken));
        if result.is_err() {
            break;
        }
        let (name, budget) = (step.name, step.budget);
        eprintln!("== {name}: {:.1} s of {budget} s", taken.as_secs_f64());
    }
    eprintln!("\n{}", table(&times));
    result
}

fn table(times: &[(&Step, Duration)]) -> String {
    let mut lines = vec![
        "| step | seconds | budget | |".to_owned(),
        "| --- | ---: | ---: | --- |".to_owned(),
    ];
    for (step, taken) in times {
        let mark = if is_over(step, *taken) { "over" } else { "" };
        lines.push(format!(
            "| {} | {:.1} | {} | {mark} |",
            step.name,
            taken.as_secs_f64(),
            step.budget
        ));
    }
    let taken: Duration = times.iter().map(|(_, taken)| *taken).sum();
    let budget: u64 = times.iter().map(|(step, _)| step.budget).sum();
    lines.push(format!("| all | {:.1} | {budget} | |", taken.as_secs_f64()));
    lines.join("\n")
}

fn is_over(step: &Step, taken: Duration) -> bool {
    taken > Duration::from_secs(step.budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budgets_add_up_to_forty_minutes() {
        let budgets = STEPS.iter().map(|step| step.budget);
        assert_eq!(budgets.sum::<u64>(), 2_400);
    }

    #[test]
    fn a_step_over_its_budget_is_marked() {
        let steps = [step("lints", 240, || Ok(())), step("fuzz", 240, || Ok(()))];
        let times = [
            (&steps[0], Duration::from_millis(240_000)),
            (&steps[1], Duration::from_millis(240_100)),
        ];
        let table = table(&times);
        assert_eq!(
            table.lines().skip(2).collect::<Vec<_>>(),
            [
                "| lints | 240.0 | 240 |  |",
                "| fuzz | 240.1 | 240 | over |",
                "| all | 480.1 | 480 | |",
            ]
        );
    }

    #[test]
    fn the_tests_can_be_left_out() {
        assert!(STEPS.iter().any(|step| step.name == TESTS));
    }
}
