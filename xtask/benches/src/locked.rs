//! Counts locked instructions: atomic reads and writes of memory that other cores may share.
//!
//! A locked instruction has the prefix `lock`, or is an `xchg` with memory. objdump lists their addresses in a program, and
//! callgrind counts how often the instruction at an address ran.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

/// The locked instructions of a program, without its shared libraries.
///
/// Addresses are relative to the start of one function, since objdump and callgrind show different absolute addresses.
#[derive(Debug)]
pub(crate) struct LockedInstructions {
    distances: HashSet<u64>,
}

impl LockedInstructions {
    /// Disassembles a program. `function` is a part of the mangled name of the function that addresses are relative to.
    pub(crate) fn find(program: &Path, function: &str) -> Result<Self, String> {
        if !cfg!(target_arch = "x86_64") {
            return Err("they are only known on x86-64".to_owned());
        }
        let mut objdump = Command::new("objdump")
            .args(["--disassemble", "--no-show-raw-insn"])
            .arg(program)
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|_| "objdump is not installed".to_owned())?;
        let output = objdump.stdout.take().ok_or("objdump has no output")?;
        let parsed = Self::parse(BufReader::new(output), function);
        let _ = objdump.wait();
        parsed
    }

    fn parse(disassembly: impl BufRead, function: &str) -> Result<Self, String> {
        let mut start = None;
        let mut addresses = Vec::new();
        for line in disassembly.lines() {
            let line = line.map_err(|error| error.to_string())?;
            let head = line
                .strip_suffix(">:")
                .and_then(|line| line.split_once(" <"));
            if let Some((address, name)) = head {
                if name.contains(function) {
                    start = u64::from_str_radix(address, 16).ok();
                }
            } else if let Some((address, instruction)) = line.split_once(":\t") {
                let is_exchange = instruction.starts_with("xchg") && instruction.contains('(');
                if instruction.starts_with("lock ") || is_exchange {
                    addresses.extend(u64::from_str_radix(address.trim(), 16));
                }
            }
        }
        let start = start.ok_or_else(|| format!("objdump shows no {function}"))?;
        let distances = addresses.into_iter().map(|at| at.wrapping_sub(start));
        Ok(Self {
            distances: distances.collect(),
        })
    }

    /// Returns how many of them ran, from a callgrind file with absolute addresses and uncompressed names.
    ///
    /// `function` is the demangled name of the same function. Returns `None` if the file does not contain the function.
    pub(crate) fn executed(&self, callgrind: &str, program: &Path, function: &str) -> Option<u64> {
        let (mut is_program, mut is_function, mut is_call) = (false, false, false);
        let mut start = None;
        let mut counts = Vec::new();
        for line in callgrind.lines() {
            if let Some(object) = line.strip_prefix("ob=") {
                is_program = Path::new(object) == program;
            } else if let Some(name) = line.strip_prefix("fn=") {
                is_function = name == function;
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if let Some((address, times)) = cost(line) {
                // The line after `calls=` has the cost of the called function, which is also listed under its own name.
                if is_program && !is_call {
                    counts.push((address, times));
                }
                if is_program && is_function {
                    start = Some(start.map_or(address, |start: u64| start.min(address)));
                }
                is_call = false;
            }
        }
        let start = start?;
        let is_locked = |address: u64| self.distances.contains(&address.wrapping_sub(start));
        let locked = counts.iter().filter(|(address, _)| is_locked(*address));
        Some(locked.map(|(_, times)| times).sum())
    }
}

fn cost(line: &str) -> Option<(u64, u64)> {
    let (address, times) = line.strip_prefix("0x")?.split_once(' ')?;
    Some((u64::from_str_radix(address, 16).ok()?, times.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DISASSEMBLY: &str = "
server:     file format elf64-x86-64

Disassembly of section .text:

0000000000001000 <_ZN12otel_benches12instructions6window17he0cd172dc91fe628E>:
    1000:\tpush   %rbx
    1001:\tlock decq 0x20(%r14)
    1007:\tcall   1040 <_ZN5other4work17he0cd172dc91fe628E>
    100c:\txchg   %ax,%ax

0000000000001040 <_ZN5other4work17he0cd172dc91fe628E>:
    1040:\txchg   %eax,0x28(%r13)
    1044:\tcmpxchg %rbx,(%rcx)
    1048:\tlock cmpxchg %ebp,0x1489cd(%rip)        # 1dd5e8 <_ZN4file2FDE>
    104f:\tret
";

    const CALLGRIND: &str = "
positions: instr
events: Ir
summary: 99

ob=/bench/server
fl=???
fn=otel_benches::instructions::window
0x109000 20
0x109001 3
cob=/lib/libc.so.6
cfi=???
cfn=malloc
calls=7 0x109001
0x109001 700
0x10900c 20

fn=other::work
0x109040 5
0x109044 11
0x109048 2

ob=/lib/libc.so.6
fn=malloc
0x109040 50
totals: 99
";

    fn parsed() -> LockedInstructions {
        LockedInstructions::parse(DISASSEMBLY.as_bytes(), "instructions6window").unwrap()
    }

    #[test]
    fn lock_prefixes_and_exchanges_with_memory_are_found() {
        assert_eq!(
            parsed().distances,
            HashSet::from([0x1, 0x40, 0x48]),
            "without the exchange of registers and the cmpxchg without a prefix"
        );
    }

    #[test]
    fn costs_of_calls_and_of_other_objects_are_not_counted() {
        let program = Path::new("/bench/server");
        let executed = |function| parsed().executed(CALLGRIND, program, function);
        assert_eq!(
            executed("otel_benches::instructions::window"),
            Some(3 + 5 + 2)
        );
        assert_eq!(executed("elsewhere"), None);
    }

    #[test]
    fn a_missing_function_is_an_error_that_names_the_function() {
        let error = LockedInstructions::parse(DISASSEMBLY.as_bytes(), "elsewhere").unwrap_err();
        assert_eq!(error, "objdump shows no elsewhere");
    }
}
