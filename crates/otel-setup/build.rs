//! Passes the version of the compiler on, for `process.runtime.version`. Only the build knows this version.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Without an answer of the compiler, the attributes are left out.
    let description = description().unwrap_or_default();
    if let Some(version) = description.split(' ').nth(1) {
        println!("cargo::rustc-env=BUILD_RUSTC_VERSION={version}");
        println!("cargo::rustc-env=BUILD_RUSTC_DESCRIPTION={description}");
    }
}

/// Returns a line such as `rustc 1.85.0 (4d91de4e4 2025-02-17)`.
fn description() -> Option<String> {
    let output = Command::new(env::var_os("RUSTC")?)
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.lines().next()?.trim().to_owned())
}
