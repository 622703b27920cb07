//! Queues, batches, delays and timeouts.

use super::{NOT_NUMBERS, accepted, exported, invalid, variable};
use crate::check::Variable;
use crate::probe::{self, Probe};

const LATER: &str = "3600000";

fn count(name: &str, probe: Probe, default: &str, different: &str) -> Variable {
    let mut rows = invalid(NOT_NUMBERS, default, default);
    // The SDK reserves the memory of a queue at once.
    let too_large = ["0", "1000001", "2147483647", "18446744073709551615"];
    rows.extend(invalid(too_large, default, default));
    rows.extend(accepted(&[
        (&format!(" {different}\n"), different),
        (&format!("+{different}"), different),
        (&format!("00{different}"), different),
    ]));
    variable(name, probe, default, different, rows)
}

pub(crate) fn counts() -> Vec<Variable> {
    let spans = [("OTEL_BSP_SCHEDULE_DELAY", LATER)];
    let one_span = ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1");
    let mut counts = vec![
        count("OTEL_BSP_MAX_QUEUE_SIZE", probe::span_queue, "2048", "7")
            .with(&spans)
            .with(&[one_span])
            .with(&super::ONLY_SPANS),
        count(
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            probe::span_batches,
            "512",
            "100",
        )
        .with(&spans)
        .with(&super::ONLY_SPANS),
    ];
    let mut too_large = count(
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
        probe::span_batches,
        "50",
        "20",
    )
    .with(&spans)
    .with(&super::ONLY_SPANS)
    .with(&[("OTEL_BSP_MAX_QUEUE_SIZE", "50")]);
    // A batch that does not fit into the queue has the size of the queue.
    too_large
        .rows
        .extend(invalid(["51", "512", "1000000"], "50", "50"));
    counts.push(too_large);
    #[cfg(feature = "logs")]
    {
        let records = [("OTEL_BLRP_SCHEDULE_DELAY", LATER)];
        let one_record = ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "1");
        counts.extend([
            count("OTEL_BLRP_MAX_QUEUE_SIZE", probe::log_queue, "2048", "7")
                .with(&records)
                .with(&[one_record])
                .with(&super::ONLY_RECORDS),
            count(
                "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
                probe::log_batches,
                "512",
                "100",
            )
            .with(&records)
            .with(&super::ONLY_RECORDS),
        ]);
    }
    counts
}

/// Delays, whose time is measured.
pub(crate) fn delays() -> Vec<Variable> {
    let delay = |name, default, only: &[(&str, &str)]| {
        let mut rows = invalid(NOT_NUMBERS, default, default);
        // An export without a pause would occupy a processor.
        rows.extend(invalid(["0"], default, default));
        let (longest, most) = ("2147483647", "18446744073709551615");
        rows.extend(accepted(&[
            (" 300 ", "300"),
            ("0500", "500"),
            (longest, longest),
            (most, most),
        ]));
        exported(name, default, "", rows).with(only)
    };
    let mut delays = vec![
        delay("OTEL_BSP_SCHEDULE_DELAY", "5000", &super::ONLY_SPANS),
        delay("OTEL_METRIC_EXPORT_INTERVAL", "60000", &super::ONLY_METRICS),
    ];
    if cfg!(feature = "logs") {
        delays.push(delay(
            "OTEL_BLRP_SCHEDULE_DELAY",
            "1000",
            &super::ONLY_RECORDS,
        ));
    }
    delays
}

/// Timeouts, which are seen in the head of an export over gRPC.
pub(crate) fn timeouts() -> Vec<Variable> {
    if !cfg!(feature = "grpc") {
        return Vec::new();
    }
    let no_limit = "2147483647";
    let timeout = |name: &str, default: &str, others: &[(&str, &str)]| {
        let mut rows = invalid(NOT_NUMBERS, default, default);
        rows.extend(accepted(&[
            ("0", no_limit),
            ("2147483648", no_limit),
            ("18446744073709551615", no_limit),
            (" 2000 ", "2000"),
        ]));
        exported(name, default, "2000", rows)
            .with(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")])
            .with(others)
    };
    let no_limits = [
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_BLRP_EXPORT_TIMEOUT", "0"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "0"),
    ];
    let mut timeouts = vec![timeout("OTEL_EXPORTER_OTLP_TIMEOUT", "10000", &no_limits)];
    for (signal, only) in super::signals() {
        let name = format!("OTEL_EXPORTER_OTLP_{signal}_TIMEOUT");
        timeouts.push(timeout(&name, "10000", &no_limits).with(&only));
        // A signal's own timeout that cannot be used leaves the one for all signals.
        let for_all = [("OTEL_EXPORTER_OTLP_TIMEOUT", "4000")];
        timeouts.push(
            timeout(&name, "4000", &no_limits)
                .with(&only)
                .with(&for_all),
        );
        let processor = match signal {
            "TRACES" => "OTEL_BSP_EXPORT_TIMEOUT",
            "METRICS" => "OTEL_METRIC_EXPORT_TIMEOUT",
            _ => "OTEL_BLRP_EXPORT_TIMEOUT",
        };
        let none = [("OTEL_EXPORTER_OTLP_TIMEOUT", "0")];
        timeouts.push(timeout(processor, "30000", &none).with(&only));
    }
    timeouts
}
