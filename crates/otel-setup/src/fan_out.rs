//! Several exporters of spans, none of which waits for another.

use std::thread;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

use crate::processor::BoundedProcessor;

/// The processors of all exporters. They flush and shut down at the same time, so that one that hangs takes no time from another.
///
/// The SDK does this for one processor after another, and gives each the whole limit.
#[derive(Debug)]
pub(crate) struct FanOut(pub(crate) Vec<BoundedProcessor>);

impl FanOut {
    fn each(&self, work: impl Fn(&BoundedProcessor) -> OTelSdkResult + Sync) -> OTelSdkResult {
        let Some((last, others)) = self.0.split_last() else {
            return Ok(());
        };
        thread::scope(|scope| {
            let work = &work;
            let start = |processor| {
                thread::Builder::new().spawn_scoped(scope, move || {
                    let _suppressed = Context::enter_telemetry_suppressed_scope();
                    work(processor)
                })
            };
            let started: Vec<_> = others.iter().map(start).collect();
            let mut result = work(last);
            for (thread, processor) in started.into_iter().zip(others) {
                result = result.and(match thread {
                    Ok(thread) => thread.join().unwrap_or_else(|_| Err(panicked())),
                    // Without a thread they take turns.
                    Err(_) => work(processor),
                });
            }
            result
        })
    }
}

fn panicked() -> OTelSdkError {
    OTelSdkError::InternalFailure("an exporter panicked".to_owned())
}

impl SpanProcessor for FanOut {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if let Some((last, others)) = self.0.split_last() {
            for processor in others {
                processor.on_end(span.clone());
            }
            last.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.each(SpanProcessor::force_flush)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.each(|processor| processor.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        for processor in &mut self.0 {
            processor.set_resource(resource);
        }
    }
}
