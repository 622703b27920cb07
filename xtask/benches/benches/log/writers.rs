//! What a real file adds to a line, by way of each writer.

use std::fs::{self, File};
use std::io::BufWriter;
use std::sync::Mutex;

use otel_benches::Case;
use otel_log::BufferedWriter;

use crate::contender;
use crate::sink::Sink;

pub(crate) fn case() -> Case {
    let layer = otel_log::layer;
    let buffered = BufferedWriter::new(file());
    Case::new(
        "16 lines into a file",
        contender("into nothing", false, layer().writer(Sink)),
        [
            contender("BufferedWriter", false, layer().writer(buffered)),
            contender(
                "Mutex of a BufWriter",
                false,
                layer().writer(Mutex::new(BufWriter::with_capacity(65_536, file()))),
            ),
            contender("File", false, layer().writer(file())),
        ],
    )
}

/// A file that is gone with the program.
fn file() -> File {
    let path = std::env::temp_dir().join(format!("otel-benches-{}.log", std::process::id()));
    let file = File::create(&path).expect("the temporary folder takes files");
    let _ = fs::remove_file(&path);
    file
}
