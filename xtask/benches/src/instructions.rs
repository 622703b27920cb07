//! Callgrind counts instructions between entry to and exit from one function, and writes a file at each call of another.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, process};

use crate::Case;
use crate::case::Work;

/// Returns true in the process that runs under callgrind.
pub(crate) fn is_counting() -> bool {
    env::var_os(COUNTING).is_some()
}

/// Does each piece of work in windows of its own, in the order in which [`count`] reads the files.
pub(crate) fn show(cases: &mut [Case]) {
    for contender in cases.iter_mut().flat_map(|case| &mut case.contenders) {
        contender.work.prepare(FEW);
        contender.work.run();
        for _ in 0..TIMES / FEW {
            contender.work.prepare(FEW);
            window(contender.work.as_mut());
        }
        end_of_windows();
    }
}

/// Counts the instructions of one piece of work for each contender; `None`, with a word on why, without valgrind.
pub(crate) fn count(cases: &[Case]) -> Option<Vec<Vec<u64>>> {
    let folder = env::temp_dir().join(format!("otel-benches-{}", process::id()));
    let counted = fs::create_dir_all(&folder)
        .map_err(|error| error.to_string())
        .and_then(|()| run_valgrind(&folder));
    let windows = counted.map(|()| read(&folder, cases));
    // Left in the temporary folder, it would do no harm.
    let _ = fs::remove_dir_all(&folder);
    match windows {
        Ok(Some(windows)) => return Some(windows),
        Ok(None) => eprintln!("no instructions: callgrind wrote no file for some of the cases"),
        Err(reason) => eprintln!("no instructions: {reason}"),
    }
    None
}

fn run_valgrind(folder: &Path) -> Result<(), String> {
    let program = env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .args([
            format!("--toggle-collect={WINDOW}"),
            format!("--dump-after={END}"),
        ])
        .arg(format!(
            "--callgrind-out-file={}",
            folder.join("out").display()
        ))
        .arg(program)
        .args(env::args().skip(1))
        .env(COUNTING, "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output = command
        .output()
        .map_err(|_| "valgrind is not installed".to_owned())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// The n-th contender's end wrote `out.n`.
fn read(folder: &Path, cases: &[Case]) -> Option<Vec<Vec<u64>>> {
    let mut number = 0;
    let mut next = || {
        number += 1;
        let text = fs::read_to_string(folder.join(format!("out.{number}"))).ok()?;
        let total = text
            .lines()
            .find_map(|line| line.strip_prefix("totals: "))?;
        Some(total.trim().parse::<u64>().ok()? / TIMES as u64)
    };
    cases
        .iter()
        .map(|case| case.contenders.iter().map(|_| next()).collect())
        .collect()
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
const END: &str = concat!(module_path!(), "::end_of_windows");
const COUNTING: &str = "OTEL_BENCHES_COUNTING";
const TIMES: usize = 100;
/// As many inputs as the allocator keeps at hand when they are freed: a program has not hundreds of them at once.
const FEW: usize = 5;
