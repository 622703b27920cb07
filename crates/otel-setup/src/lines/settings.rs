//! How log lines are written.

use std::fmt;

use otel_core::redact::Secrets;
use otel_log::{BoxedWriter, Layer, fields};
use tracing_subscriber::fmt::MakeWriter;

use super::format::LogFormat;
use super::output::LineOutput;

/// Changes a layer after all other settings.
type Change = Box<dyn FnOnce(Layer<BoxedWriter>) -> Layer<BoxedWriter> + Send>;

/// How log lines are written.
#[derive(Default)]
pub(crate) struct LineSettings {
    pub(crate) output: LineOutput,
    /// By default the output decides.
    pub(crate) format: Option<LogFormat>,
    /// The baggage entries that become fields of each line.
    pub(crate) baggage_keys: Vec<String>,
    changes: Vec<Change>,
}

impl LineSettings {
    /// Adds a change of the layer. Changes are made in the order in which they were added, after all other settings.
    pub(crate) fn push<W>(
        &mut self,
        change: impl FnOnce(Layer<BoxedWriter>) -> Layer<W> + Send + 'static,
    ) where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.changes
            .push(Box::new(|layer| change(layer).boxed_writer()));
    }

    /// Returns `true` if a change may set another format or writer.
    pub(crate) fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Returns the format of the lines, unless a change sets another one.
    pub(crate) fn format(&self) -> LogFormat {
        self.format.unwrap_or_else(|| self.output.default_format())
    }

    /// Makes the layer that writes the lines.
    pub(crate) fn layer(self, secrets: Secrets, expects_ids: bool) -> Layer<BoxedWriter> {
        let format = self.format();
        let colors = self.output.has_colors();
        let layer = self.output.layer().expect_ids(expects_ids).secrets(secrets);
        let mut layer = match format {
            LogFormat::Pretty => layer.pretty().color(colors),
            LogFormat::Json => layer,
        };
        if !self.baggage_keys.is_empty() {
            layer = layer.with_fields(fields::baggage(self.baggage_keys));
        }
        let changes = self.changes.into_iter();
        changes.fold(layer, |layer, change| change(layer))
    }
}

impl fmt::Debug for LineSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineSettings")
            .field("output", &self.output)
            .field("format", &self.format)
            .field("baggage_keys", &self.baggage_keys)
            .field("changes", &self.changes.len())
            .finish()
    }
}
