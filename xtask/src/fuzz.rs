//! `cargo xtask fuzz`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::cargo::{cargo, output, root, run};

/// How long each target runs by default.
const SECONDS: u64 = 10;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long each target runs
    #[arg(long, default_value_t = SECONDS)]
    seconds: u64,
    /// Seed of the random choices; 0 chooses a new seed each time
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Targets, by the names of their folders in xtask/fuzz/seeds; by default all targets
    targets: Vec<String>,
}

impl Options {
    /// Returns options for CI, which must not fail by chance: a fixed seed tries the same input each time.
    pub(crate) fn repeatable() -> Self {
        Self {
            seconds: SECONDS,
            seed: 1,
            targets: Vec::new(),
        }
    }
}

/// Builds the targets and runs one after the other; fails at the first input that breaks a property.
pub(crate) fn run_all(options: &Options) -> anyhow::Result<()> {
    let fuzz = root().join("xtask/fuzz");
    let known = targets(&fuzz)?;
    if let Some(unknown) = options.targets.iter().find(|name| !known.contains(name)) {
        bail!("no target {unknown:?}; use one of {}", known.join(", "));
    }
    let chosen = if options.targets.is_empty() {
        &known
    } else {
        &options.targets
    };
    if let Some(reason) = why_not_libfuzzer() {
        eprintln!("{reason}, so libFuzzer cannot be built: seeded random input instead");
        return run_seeded(options.seconds, chosen);
    }
    let programs = build(&fuzz, chosen)?;
    for name in chosen {
        run_target(&fuzz, &programs, name, options)?;
    }
    Ok(())
}

/// Lists the targets. Each has a folder of seeds.
fn targets(fuzz: &Path) -> anyhow::Result<Vec<String>> {
    let folder = fuzz.join("seeds");
    let entries =
        fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<anyhow::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn why_not_libfuzzer() -> Option<String> {
    if !cfg!(any(target_os = "linux", target_os = "macos")) {
        return Some("this is neither Linux nor macOS".to_owned());
    }
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let works = Command::new(&compiler)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let missing = format!("there is no C++ compiler {}", compiler.display());
    (!works).then_some(missing)
}

fn run_seeded(seconds: u64, targets: &[String]) -> anyhow::Result<()> {
    let mut command = cargo(&["run", "--quiet", "--release", "--no-default-features"]);
    command
        .args(["--manifest-path", "xtask/fuzz/Cargo.toml"])
        .args(["--example", "seeded"])
        .args(["--", &seconds.to_string()])
        .args(targets);
    run(&mut command)
}

/// Builds the targets with coverage, and returns the folder of the programs.
fn build(fuzz: &Path, targets: &[String]) -> anyhow::Result<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let host = output(Command::new(rustc).args(["--print", "host-tuple"]))?;
    let host = host.trim_end();
    let folder = env::var_os("CARGO_TARGET_DIR").map_or(fuzz.join("target"), |it| root().join(it));
    let mut command = cargo(&["build", "--release", "--locked"]);
    command
        .args(["--manifest-path", "xtask/fuzz/Cargo.toml"])
        // With a target named, the flags do not reach build scripts, which would not link with them.
        .args(["--target", host])
        .arg("--target-dir")
        .arg(&folder)
        .args(targets.iter().flat_map(|name| ["--bin", name]))
        .env("RUSTFLAGS", COVERAGE);
    run(&mut command)?;
    Ok(folder.join(host).join("release"))
}

/// Runs a target. The lines of libFuzzer are shown only if it finds something.
fn run_target(fuzz: &Path, programs: &Path, name: &str, options: &Options) -> anyhow::Result<()> {
    let Options { seconds, seed, .. } = options;
    let corpus = fuzz.join("corpus").join(name);
    let artifacts = fuzz.join("artifacts").join(name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(programs.join(name));
    command
        .args([corpus, fuzz.join("seeds").join(name)])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-seed={seed}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-max_len=16384", "-print_final_stats=1"]);
    let output = command
        .output()
        .with_context(|| format!("cannot start {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(
            "{text}\n{name} fails; the input is in {}",
            artifacts.display()
        );
    }
    let runs = text
        .lines()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .map_or("?", str::trim);
    eprintln!("{name}: {runs} runs in {seconds} s");
    Ok(())
}

/// The flags that `cargo fuzz` sets, without AddressSanitizer: it needs a nightly compiler, and this workspace has no `unsafe`.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Ccodegen-units=1 \
    --cfg fuzzing";
