//! The span processor and the log writer that fill a recording.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use opentelemetry::Context;
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{Span as SdkSpan, SpanData, SpanProcessor},
};

use super::recording::Recording;
use crate::{span::Span, watched::Watched};

/// Records each span when it ends, on the thread that ends it.
#[derive(Debug)]
pub(super) struct SpanCapture {
    recording: Arc<Watched<Recording>>,
    resource: Resource,
}

impl SpanCapture {
    pub(super) fn new(recording: &Arc<Watched<Recording>>) -> Self {
        Self {
            recording: Arc::clone(recording),
            resource: Resource::builder_empty().build(),
        }
    }
}

impl SpanProcessor for SpanCapture {
    fn on_start(&self, _span: &mut SdkSpan, _cx: &Context) {}

    fn on_end(&self, span: SpanData) {
        let span = Span::from_sdk(span, &self.resource);
        self.recording
            .update(|recording| recording.spans.push(span));
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}

/// The writer of one line. It records the line when dropped, so that lines of several threads do not mix.
pub(super) struct LineWriter {
    recording: Arc<Watched<Recording>>,
    bytes: Vec<u8>,
}

impl LineWriter {
    pub(super) fn new(recording: &Arc<Watched<Recording>>) -> Self {
        Self {
            recording: Arc::clone(recording),
            bytes: Vec::new(),
        }
    }
}

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.bytes);
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        if !lines.is_empty() {
            self.recording
                .update(|recording| recording.lines.extend(lines));
        }
    }
}
