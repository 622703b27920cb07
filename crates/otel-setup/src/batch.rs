//! `OTEL_BSP_*` and `OTEL_BLRP_*`: how many wait, and how often they go out.

use std::time::Duration;

use crate::error::SetupError;
use crate::signal::Signal;
use crate::variable;

/// What a batch processor is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSettings {
    pub(crate) queue: usize,
    pub(crate) batch: usize,
    pub(crate) delay: Duration,
}

impl BatchSettings {
    pub(crate) fn from_env(signal: Signal) -> Result<Self, SetupError> {
        let queue = size(&signal.processor_variable("MAX_QUEUE_SIZE"))?.unwrap_or(2048);
        let name = signal.processor_variable("MAX_EXPORT_BATCH_SIZE");
        let batch = size(&name)?;
        if let Some(batch) = batch {
            if batch > queue {
                let expected = format!("a batch must fit into the queue, and that holds {queue}");
                return Err(SetupError::variable(name, batch.to_string(), expected));
            }
        }
        let delay = variable::milliseconds(&signal.processor_variable("SCHEDULE_DELAY"))?;
        Ok(Self {
            queue,
            batch: batch.unwrap_or(512).min(queue),
            delay: delay.unwrap_or(match signal {
                Signal::Logs => Duration::from_secs(1),
                Signal::Traces | Signal::Metrics => Duration::from_secs(5),
            }),
        })
    }
}

/// The SDK reserves the whole queue at once.
const MOST: usize = 1_000_000;

fn size(name: &str) -> Result<Option<usize>, SetupError> {
    match variable::number(name)? {
        Some(size) if !(1..=MOST).contains(&size) => {
            let expected = format!("use a number above 0 and up to {MOST}");
            Err(SetupError::variable(name, size.to_string(), expected))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(signal: Signal, name: &str, value: &str) -> Result<BatchSettings, SetupError> {
        temp_env::with_var(name, Some(value), || BatchSettings::from_env(signal))
    }

    #[test]
    fn sizes_and_delays_that_cannot_be_used_are_errors() {
        let table = [
            (
                Signal::Traces,
                "OTEL_BSP_MAX_QUEUE_SIZE",
                "many",
                "whole number",
            ),
            (Signal::Traces, "OTEL_BSP_MAX_QUEUE_SIZE", "0", "above 0"),
            (
                Signal::Traces,
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
                "-1",
                "whole number",
            ),
            (
                Signal::Traces,
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
                "4096",
                "2048",
            ),
            (
                Signal::Traces,
                "OTEL_BSP_SCHEDULE_DELAY",
                "5s",
                "milliseconds",
            ),
            (
                Signal::Traces,
                "OTEL_BSP_SCHEDULE_DELAY",
                "0",
                "more than 0",
            ),
            (Signal::Logs, "OTEL_BLRP_MAX_QUEUE_SIZE", "0", "above 0"),
            (
                Signal::Logs,
                "OTEL_BLRP_MAX_QUEUE_SIZE",
                "1000001",
                "up to 1000000",
            ),
            (
                Signal::Logs,
                "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
                "4096",
                "2048",
            ),
            (
                Signal::Logs,
                "OTEL_BLRP_SCHEDULE_DELAY",
                "1s",
                "milliseconds",
            ),
        ];
        for (signal, name, value, advice) in table {
            let error = settings(signal, name, value).unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
            assert!(error.contains(advice), "{error}");
        }
    }

    #[test]
    fn each_processor_has_variables_of_its_own() {
        let read = |signal, variables: &[(&str, &str)]| {
            let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, Some(*v))).collect();
            let settings = temp_env::with_vars(variables, || BatchSettings::from_env(signal));
            let settings = settings.unwrap();
            (settings.queue, settings.batch, settings.delay.as_millis())
        };
        let of_spans = [
            ("OTEL_BSP_MAX_QUEUE_SIZE", "70"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "60"),
            ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ];
        let of_logs = [
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "40"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "30"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
        ];
        assert_eq!(read(Signal::Traces, &[]), (2048, 512, 5000));
        assert_eq!(read(Signal::Logs, &[]), (2048, 512, 1000));
        assert_eq!(read(Signal::Traces, &of_spans), (70, 60, 50));
        assert_eq!(read(Signal::Logs, &of_logs), (40, 30, 20));
        assert_eq!(read(Signal::Traces, &of_logs), (2048, 512, 5000));
        assert_eq!(read(Signal::Logs, &of_spans), (2048, 512, 1000));
    }

    #[test]
    fn a_small_queue_makes_small_batches() {
        for (signal, name) in [
            (Signal::Traces, "OTEL_BSP_MAX_QUEUE_SIZE"),
            (Signal::Logs, "OTEL_BLRP_MAX_QUEUE_SIZE"),
        ] {
            let settings = settings(signal, name, "7").unwrap();
            assert_eq!((settings.queue, settings.batch), (7, 7));
        }
    }
}
