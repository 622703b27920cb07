//! What a real file adds to a line, by way of each writer.

use std::fs::{self, File};

use otel_benches::Case;

use crate::sink::Sink;

pub(crate) fn case() -> Case {
    let path = std::env::temp_dir().join(format!("otel-benches-{}.log", std::process::id()));
    let file = File::create(&path).expect("the temporary folder takes files");
    // It is written to through the open file.
    let _ = fs::remove_file(&path);
    Case::new(
        "16 lines into a file",
        crate::contender("into nothing", false, otel_log::layer().writer(Sink)),
        [crate::contender(
            "File",
            false,
            otel_log::layer().writer(file),
        )],
    )
}
