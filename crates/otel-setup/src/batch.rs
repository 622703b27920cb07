//! How many spans or log records wait, and how often they are exported.

use std::time::Duration;

use crate::export::Export;
use crate::variables::{Count, Delay, Environment, table::Batch};
use crate::warning::{EventName, Warning};

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
        let batch = environment
            .get(&variables.batch, code.batch.map(Count::from))
            .0;
        if batch > queue && environment.is_set(variables.batch.name) {
            let name = variables.batch.name;
            let message = format!(
                "{name}=\"{batch}\" cannot be used: a batch must fit into the queue, and the queue has {queue}; {queue} is used \
                 instead"
            );
            environment.add(Warning::new(EventName::InvalidVariable, message).with_variable(name));
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
