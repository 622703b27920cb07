//! What libraries tell the log crate becomes lines.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[allow(dead_code, reason = "shared by several tests")]
mod support;

use self::support::child::in_own_process;
use self::support::{Endpoint, Mood, start};

#[test]
fn a_record_of_the_log_crate_is_a_line_with_ids() {
    let name = "a_record_of_the_log_crate_is_a_line_with_ids";
    let lines = in_own_process(name, &[("RUST_LOG", "warn,legacy::db=debug")], || {
        let endpoint = Endpoint::start(Mood::Fine);
        let telemetry = start(endpoint.url());
        tracing::info_span!("work").in_scope(|| {
            log::debug!(target: "legacy::db", "slow query");
            log::info!(target: "legacy::http", "filtered");
        });
        telemetry.shutdown();
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["message"], "slow query");
    assert_eq!(lines[0]["target"], "legacy::db");
    assert_eq!(lines[0]["level"], "DEBUG");
    assert!(lines[0]["trace_id"].is_string(), "{lines:?}");
}
