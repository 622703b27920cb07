//! A span processor of the program.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// A span processor of the program. If it panics during a flush or the shutdown, the exporters behind it still get their turn.
#[derive(Debug)]
pub(crate) struct ProgramProcessor<P>(pub(crate) P);

impl<P: SpanProcessor> SpanProcessor for ProgramProcessor<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.0.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        self.0.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        catch_panic(|| self.0.force_flush())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        catch_panic(|| self.0.shutdown_with_timeout(timeout))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn catch_panic(work: impl FnOnce() -> OTelSdkResult) -> OTelSdkResult {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let error = "a span processor of the program panicked";
        Err(OTelSdkError::InternalFailure(error.to_owned()))
    })
}
