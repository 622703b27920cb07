//! Records of the `log` crate share one callsite of `tracing`, and have a rate limit for each place all the same.

#![allow(clippy::indexing_slicing, clippy::unwrap_used)] // clippy.toml allows them inside #[test] only

mod common;

use common::{Capture, log_layer};
use tracing::subscriber::with_default;
use tracing_subscriber::{layer::SubscriberExt as _, registry};

#[test]
fn a_noisy_crate_silences_no_other() {
    tracing_log::LogTracer::init().unwrap();
    let capture = Capture::default();
    with_default(registry().with(log_layer(&capture).rate_limit(3)), || {
        for number in 0..50 {
            log::warn!(target: "noisy_crate", "noise {number}");
        }
        log::warn!(target: "other_crate", "important");
    });
    let lines = capture.lines();
    let targets: Vec<_> = lines
        .iter()
        .map(|line| line["target"].as_str().unwrap())
        .collect();
    assert_eq!(
        targets,
        ["noisy_crate", "noisy_crate", "noisy_crate", "other_crate"]
    );
    assert_eq!(lines[3]["lines_left_out"], 47);
}
