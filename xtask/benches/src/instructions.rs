//! Callgrind counts instructions between entry to and exit from one function, and writes a file at each call of another.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, process};

use crate::Case;
use crate::case::{PIECES, Work};
use crate::locked::LockedInstructions;

/// What one piece of work takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) instructions: f64,
    /// `None` if objdump is not installed.
    pub(crate) locked: Option<f64>,
}

/// Returns true in the process that runs under callgrind.
pub(crate) fn is_counting() -> bool {
    env::var_os(COUNTING).is_some()
}

/// Does the work of each contender in the order in which [`count`] reads the files.
pub(crate) fn show(cases: &mut [Case]) {
    for contender in cases.iter_mut().flat_map(|case| &mut case.contenders) {
        contender.warm_up();
        contender.in_batches(window);
        end_of_windows();
    }
}

/// Counts one piece of work for each contender. Returns `None` and prints the reason if valgrind is not installed.
pub(crate) fn count(cases: &[Case]) -> Option<Vec<Vec<Count>>> {
    let folder = env::temp_dir().join(format!("otel-benches-{}", process::id()));
    let counted = fs::create_dir_all(&folder)
        .map_err(|error| error.to_string())
        .and_then(|()| run_valgrind(&folder))
        .and_then(|program| {
            let locked = LockedInstructions::find(&program, MANGLED_WINDOW)
                .map_err(|reason| eprintln!("no locked instructions: {reason}"))
                .ok();
            read(&folder, &program, locked.as_ref(), cases)
                .ok_or_else(|| "callgrind wrote no file for some of the cases".to_owned())
        });
    // Left in the temporary folder, it would do no harm.
    let _ = fs::remove_dir_all(&folder);
    counted
        .map_err(|reason| eprintln!("no instructions: {reason}"))
        .ok()
}

/// Runs this program under callgrind, and returns its path.
fn run_valgrind(folder: &Path) -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .args(["--dump-instr=yes", "--dump-line=no"])
        .args(["--compress-pos=no", "--compress-strings=no"])
        .args([
            format!("--toggle-collect={WINDOW}"),
            format!("--dump-after={END}"),
        ])
        .arg(format!(
            "--callgrind-out-file={}",
            folder.join("out").display()
        ))
        .arg(&program)
        .args(env::args().skip(1))
        .env(COUNTING, "1")
        .env("GLIBC_TUNABLES", TUNABLES)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output = command
        .output()
        .map_err(|_| "valgrind is not installed".to_owned())?;
    if output.status.success() {
        Ok(program)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The n-th contender's end wrote `out.n`.
fn read(
    folder: &Path,
    program: &Path,
    locked: Option<&LockedInstructions>,
    cases: &[Case],
) -> Option<Vec<Vec<Count>>> {
    let mut number = 0;
    let mut next = || {
        number += 1;
        let text = fs::read_to_string(folder.join(format!("out.{number}"))).ok()?;
        let total = text
            .lines()
            .find_map(|line| line.strip_prefix("totals: "))?;
        let per_piece = |count: u64| count as f64 / PIECES as f64;
        let total: u64 = total.trim().parse().ok()?;
        let locked = locked.and_then(|locked| locked.executed(&text, program, WINDOW));
        Some(Count {
            instructions: per_piece(total.saturating_sub(of_counting_allocator(&text))),
            locked: locked.map(per_piece),
        })
    };
    cases
        .iter()
        .map(|case| case.contenders.iter().map(|_| next()).collect())
        .collect()
}

/// Returns the instructions of the allocator that counts, which a program without this harness does not have.
fn of_counting_allocator(text: &str) -> u64 {
    let (mut total, mut is_inside, mut is_call) = (0, false, false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            is_inside = function.contains(COUNTING_ALLOCATOR);
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with("0x") {
            // The line after a call has the inclusive cost of the callee.
            let cost = line.split_ascii_whitespace().next_back();
            if is_inside && !is_call {
                total += cost
                    .and_then(|cost| cost.parse::<u64>().ok())
                    .unwrap_or_default();
            }
            is_call = false;
        }
    }
    total
}

#[inline(never)]
fn window(work: &mut dyn Work) {
    work.run();
}

/// Whatever is done here is not counted; it must only not be optimised away.
#[inline(never)]
fn end_of_windows() {
    std::hint::black_box(());
}

/// In full: for `--dump-after` callgrind takes no pattern that begins with `*`.
const WINDOW: &str = concat!(module_path!(), "::window");
/// A part of the mangled name of [`window`].
const MANGLED_WINDOW: &str = "instructions6window";
const END: &str = concat!(module_path!(), "::end_of_windows");
/// A part of the names of the functions of the allocator that counts.
const COUNTING_ALLOCATOR: &str = "allocation_counter::allocator::CountingAllocator";
/// Set in the process that runs under callgrind.
const COUNTING: &str = "OTEL_BENCHES_COUNTING";
/// Enlarges glibc's cache of free memory, so that each allocation takes the fast path. Otherwise the heap that earlier cases
/// leave behind changes a figure by up to 3 %.
const TUNABLES: &str = "glibc.malloc.tcache_count=1000";
