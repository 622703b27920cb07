//! `cargo xtask newcomer`: what the README's three snippets are in the hands of someone who copies them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context as _, ensure};
use otel_testkit::{Collector, LogLine, Process, assert_logs_correlated};

use crate::cargo::{cargo, root, run};
use crate::metadata::{self, target};
use crate::service;

const LIMIT: Duration = Duration::from_secs(20);
const ADDRESS: &str = "127.0.0.1:8080";

/// Puts the snippets into a crate of their own outside the workspace, builds and runs it, sends a request, ends it, and looks
/// for its one trace and for the ids in its log line.
pub(crate) fn run_all() -> anyhow::Result<()> {
    let readme = fs::read_to_string(root().join("README.md"))?;
    let snippets = Snippets::of(&readme)?;
    // A port that is free; the README names one that most often is.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let folder = env::temp_dir().join(format!("otel-newcomer-{}", std::process::id()));
    let program = snippets
        .write(&folder, &address)
        .and_then(|()| build(&folder));
    let seen = program.and_then(|program| look(&program, &address));
    fs::remove_dir_all(&folder)?;
    seen
}

/// What a reader copies.
#[derive(Debug, PartialEq, Eq)]
struct Snippets {
    dependencies: String,
    program: String,
}

impl Snippets {
    /// The blocks of the section "Use".
    fn of(readme: &str) -> anyhow::Result<Self> {
        let (_, section) = readme
            .split_once("\n## Use\n")
            .context("the README has no section \"Use\"")?;
        let section = section.split("\n## ").next().unwrap_or(section);
        let mut dependencies = String::new();
        let mut program = Vec::new();
        for block in section.split("\n```").skip(1).step_by(2) {
            let (language, text) = block.split_once('\n').unwrap_or_default();
            match language.split(',').next() {
                Some("toml") => dependencies.push_str(text),
                Some("rust") => program.push(shown(text)),
                _ => {}
            }
        }
        ensure!(
            program.len() == 3 && !dependencies.is_empty(),
            "the section \"Use\" has {} snippets in Rust, of three, and dependencies {dependencies:?}",
            program.len()
        );
        Ok(Self {
            dependencies,
            program: program.join("\n\n"),
        })
    }

    fn write(&self, folder: &Path, address: &str) -> anyhow::Result<()> {
        fs::create_dir_all(folder.join("src"))?;
        let head = "[package]\nname = \"newcomer\"\nedition = \"2024\"\n\n[workspace]\n\n";
        let manifest = format!("{head}{}\n{}", self.dependencies, from_here()?);
        fs::write(folder.join("Cargo.toml"), manifest)?;
        // The versions that everything else is tested with.
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        let program = self.program.replace(ADDRESS, address);
        Ok(fs::write(folder.join("src/main.rs"), program)?)
    }
}

/// Without the lines that only make it compile on its own.
fn shown(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("# "));
    lines.collect::<Vec<_>>().join("\n")
}

/// The libraries as they are here, until they are to be had elsewhere.
fn from_here() -> anyhow::Result<String> {
    let mut patch = String::from("[patch.crates-io]\n");
    for library in metadata::libraries(&metadata::read()?) {
        let (name, folder) = (&library.name, metadata::folder(library));
        patch.push_str(&format!("{name} = {{ path = {folder:?} }}\n"));
    }
    Ok(patch)
}

fn build(folder: &Path) -> anyhow::Result<PathBuf> {
    let target = target()?.join("newcomer");
    let mut build = cargo(&["build", "--quiet"]);
    run(build.current_dir(folder).env("CARGO_TARGET_DIR", &target))?;
    Ok(target
        .join("debug")
        .join(format!("newcomer{}", env::consts::EXE_SUFFIX)))
}

fn look(program: &Path, address: &str) -> anyhow::Result<()> {
    let collector = Collector::start()?;
    let mut command = Command::new(program);
    service::remove_settings(&mut command);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.http_endpoint())
        // Nothing leaves before the end, so that it has to be flushed there.
        .env("OTEL_BSP_SCHEDULE_DELAY", "3600000");
    let mut program = Process::start("newcomer", &mut command)?;
    let answer = ask(&format!("http://{address}/hello/Ada"))?;
    ensure!(answer == "Hello, Ada!\n", "the program answered {answer:?}");
    let is_greeting = |line: &LogLine| line.message() == "greeting";
    let lines = program.wait_for_logs(LIMIT, |lines| lines.iter().any(is_greeting))?;
    let status = program.terminate(LIMIT)?;
    ensure!(status.success(), "the program ended with {status}");
    let traces = collector.traces();
    let trace = otel_testkit::assert_one_trace(&traces);
    eprint!("{trace}");
    trace.assert_child_of("GET", "GET /hello/{name}");
    trace.assert_child_of("GET /greeting", "GET");
    trace.assert_no_orphans();
    let lines: Vec<_> = lines.into_iter().filter(is_greeting).collect();
    assert_logs_correlated(&traces, &lines);
    Ok(())
}

/// Asks until the program listens.
fn ask(url: &str) -> anyhow::Result<String> {
    let started = std::time::Instant::now();
    loop {
        match reqwest::blocking::get(url) {
            Ok(response) => return Ok(response.text()?),
            Err(error) if started.elapsed() > LIMIT => return Err(error.into()),
            Err(_) => std::thread::yield_now(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snippets_are_what_a_reader_sees() {
        let readme = "# T\n\n```rust\nfn no() {}\n```\n\n## Use\n\n```toml\n[dependencies]\naxum = \"0.8\"\n```\n\n\
                      ```rust\nfn one() {}\n# fn hidden() {}\n```\nthen\n```rust,no_run\nfn two() {}\n```\n\n```console\n\
                      cargo run\n```\n\n```rust\nfn three() {}\n```\n\n## More\n\n```rust\nfn no() {}\n```\n";
        let snippets = Snippets::of(readme).unwrap();
        assert_eq!(snippets.dependencies, "[dependencies]\naxum = \"0.8\"");
        assert_eq!(
            snippets.program,
            "fn one() {}\n\nfn two() {}\n\nfn three() {}"
        );
        assert!(Snippets::of("# T\n\n## Use\n\nnothing\n").is_err());
    }
}
