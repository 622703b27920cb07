//! `cargo xtask interop`: traces stay whole through chains of our services and services in other languages.

mod chain;
mod expect;
mod format;
mod programs;
mod stage;
mod table;
mod theirs;

use std::io::{self, Write as _};

use anyhow::ensure;

use self::chain::{CHAINS, OURS_TO_THEIRS};
use self::expect::{Expected, Verdict, beginnings};
use self::format::{B3, FORMATS, Format, W3C};
use self::programs::Programs;
use self::stage::Stage;
use self::table::Row;
use self::theirs::{THEIRS, Theirs};

/// The layer that makes the spans of our services by default.
const DEFAULT_LAYER: &str = "otel-tracing";

/// The layers that can make the spans of our services. The table must be the same with each.
const SPAN_LAYERS: [&str; 2] = [DEFAULT_LAYER, "tracing-opentelemetry"];

pub(crate) fn run_all() -> anyhow::Result<()> {
    let programs = Programs::install()?;
    let mut broken = 0;
    for span_layer in SPAN_LAYERS {
        broken += print_table(&programs, span_layer)?;
    }
    let mut out = io::stdout().lock();
    for theirs in THEIRS {
        must_split(&programs, theirs)?;
        writeln!(
            out,
            "ours in {}, {} in {}: one request, two traces, as it must be",
            B3.title,
            theirs.name(),
            W3C.title
        )?;
    }
    ensure!(broken == 0, "{broken} chains are not whole, see the tables");
    Ok(())
}

/// Runs all chains and returns the number of those that are not whole.
fn print_table(programs: &Programs, span_layer: &str) -> anyhow::Result<usize> {
    let mut rows = Vec::new();
    for theirs in THEIRS {
        for format in &FORMATS {
            eprintln!("{} in {}, {span_layer}", theirs.title(), format.title);
            rows.push(Row {
                theirs: theirs.title(),
                format: format.title,
                verdicts: all_chains(programs, span_layer, theirs, format)?,
            });
        }
    }
    let mut out = io::stdout().lock();
    writeln!(out, "Our spans are made by {span_layer}:\n")?;
    writeln!(out, "{}", table::markdown(&rows))?;
    let verdicts = rows.iter().flat_map(|row| &row.verdicts);
    Ok(verdicts.filter(|it| !it.breaches.is_empty()).count())
}

fn all_chains(
    programs: &Programs,
    span_layer: &str,
    theirs: Theirs,
    format: &Format,
) -> anyhow::Result<Vec<Verdict>> {
    let mut stage = Stage::start(programs, span_layer, theirs, format, format)?;
    let runs = CHAINS.map(|chain| stage.run(chain));
    let records = stage.end()?;
    let verdicts = runs.iter().map(|run| {
        let expected = Expected {
            services: &run.services,
            format,
            theirs,
        };
        expected.verdict(&run.answer, &records.traces_of(run), &records.lines)
    });
    Ok(verdicts.collect())
}

/// Two that speak different formats must not understand each other: otherwise the table would tell nothing of formats.
fn must_split(programs: &Programs, theirs: Theirs) -> anyhow::Result<()> {
    let mut stage = Stage::start(programs, DEFAULT_LAYER, theirs, &B3, &W3C)?;
    let run = stage.run(OURS_TO_THEIRS);
    let records = stage.end()?;
    let beginnings = beginnings(&records.traces_of(&run));
    ensure!(
        beginnings == run.services,
        "expected a trace of each of {:?}, found traces of {beginnings:?}",
        run.services
    );
    Ok(())
}
