//! How many spans or log records wait, and how often they are exported.

use std::time::Duration;

use crate::export::Export;
use crate::variables::{Count, Delay, Environment, table::Batch};

/// The settings of a batch processor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSettings {
    pub(crate) queue: usize,
    pub(crate) batch: usize,
    pub(crate) delay: Duration,
}

impl BatchSettings {
    /// Reads the variables of a processor, then the settings of the program.
    pub(crate) fn new(environment: &Environment, variables: &Batch, code: &Export) -> Self {
        let queue = environment
            .get(&variables.queue, code.queue.map(Count::from))
            .0;
        let default = variables.batch.default_value().0;
        let default = code.batch.unwrap_or(default).min(queue);
        let batch = environment.get(&variables.batch, Some(default.into())).0;
        if batch > queue {
            let (name, value) = (variables.batch.name, batch.to_string());
            let expected = format!("a batch must fit into the queue, and the queue has {queue}");
            environment.warn_invalid(name, Some(&value), &expected, &queue.to_string());
        }
        let delay = environment
            .get(&variables.delay, code.delay.map(Delay::from))
            .0;
        Self {
            queue,
            batch: batch.min(queue),
            delay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_environment;
    use crate::variables::table::{LOG_BATCH, SPAN_BATCH};

    fn read(batch: &Batch, code: &Export, variables: &[(&str, &str)]) -> (usize, usize, u128) {
        let variables: Vec<_> = variables.iter().map(|(n, v)| (*n, Some(*v))).collect();
        let settings = test_environment::with_vars(variables, || {
            BatchSettings::new(&Environment::default(), batch, code)
        });
        (settings.queue, settings.batch, settings.delay.as_millis())
    }

    #[test]
    fn each_processor_has_variables_of_its_own() {
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
        let code = Export::new();
        assert_eq!(read(&SPAN_BATCH, &code, &[]), (2048, 512, 5000));
        assert_eq!(read(&LOG_BATCH, &code, &[]), (2048, 512, 1000));
        assert_eq!(read(&SPAN_BATCH, &code, &of_spans), (70, 60, 50));
        assert_eq!(read(&LOG_BATCH, &code, &of_logs), (40, 30, 20));
        assert_eq!(read(&SPAN_BATCH, &code, &of_logs), (2048, 512, 5000));
        assert_eq!(read(&LOG_BATCH, &code, &of_spans), (2048, 512, 1000));
    }

    #[test]
    fn variables_win_over_code() {
        let code = Export::new()
            .max_queue_size(90)
            .max_export_batch_size(80)
            .schedule_delay(Duration::from_millis(70));
        assert_eq!(read(&SPAN_BATCH, &code, &[]), (90, 80, 70));
        let variable = [("OTEL_BSP_MAX_QUEUE_SIZE", "85")];
        assert_eq!(read(&SPAN_BATCH, &code, &variable), (85, 80, 70));
        // Zero would stop the export, or never stop it.
        let zero = Export::new()
            .max_queue_size(0)
            .schedule_delay(Duration::ZERO);
        assert_eq!(read(&SPAN_BATCH, &zero, &[]), (1, 1, 1));
    }

    #[test]
    fn a_small_queue_makes_small_batches() {
        for (batch, name) in [
            (&SPAN_BATCH, "OTEL_BSP_MAX_QUEUE_SIZE"),
            (&LOG_BATCH, "OTEL_BLRP_MAX_QUEUE_SIZE"),
        ] {
            let (queue, batch, _) = read(batch, &Export::new(), &[(name, "7")]);
            assert_eq!((queue, batch), (7, 7));
        }
    }
}
