use std::{
    any::type_name,
    fmt,
    io::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    time::SystemTime,
};

use tracing_core::{
    Dispatch, Event, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::{fmt::MakeWriter, layer::Context, registry::LookupSpan};

use crate::{ids, line, scratch, span_fields::SpanFields};

/// Creates a layer that writes each event as one JSON line to standard output.
///
/// See the [crate docs](crate) for an example and for what a line holds.
pub fn layer() -> Layer {
    Layer {
        make_writer: io::stdout,
        clock: SystemTime::now,
        ids: ids::Source::default(),
    }
}

/// A layer that writes each event as one JSON line with the ids of its trace and span.
///
/// Made by [`layer`].
#[must_use = "a layer does nothing until it is added to a subscriber"]
pub struct Layer<W = fn() -> io::Stdout> {
    make_writer: W,
    clock: fn() -> SystemTime,
    ids: ids::Source,
}

impl<W> Layer<W> {
    /// Sets where the lines go; standard output by default.
    ///
    /// Each line is one `write_all`. A line that cannot be written is lost without a word and without a panic.
    pub fn writer<W2>(self, make_writer: W2) -> Layer<W2>
    where
        W2: for<'a> MakeWriter<'a> + 'static,
    {
        Layer {
            make_writer,
            clock: self.clock,
            ids: self.ids,
        }
    }

    /// Sets the clock that `timestamp` is read from; [`SystemTime::now`] by default.
    ///
    /// With a clock that stands still, a test can compare whole lines.
    pub fn clock(self, clock: fn() -> SystemTime) -> Self {
        Self { clock, ..self }
    }
}

impl<W> Layer<W>
where
    W: for<'a> MakeWriter<'a>,
{
    /// Neither a broken pipe nor a poisoned lock in a writer may harm the program that logs.
    fn emit(&self, metadata: &Metadata<'_>, line: &[u8]) {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            self.make_writer.make_writer_for(metadata).write_all(line)
        }));
    }
}

impl<S, W> tracing_subscriber::Layer<S> for Layer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.ids.on_register_dispatch(dispatch);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            SpanFields::on_new_span(&span, attributes);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            SpanFields::on_record(&span, values);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            self.ids.on_enter(&span);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let record = event.normalized_metadata(); // of the log crate
        let metadata = record.as_ref().unwrap_or_else(|| event.metadata());
        scratch::with(|scratch| {
            let ids = || self.ids.of_event(event, &ctx);
            line::write(scratch, (self.clock)(), event, metadata, &ctx, ids);
            self.emit(metadata, &scratch.line);
        });
    }
}

impl<W> fmt::Debug for Layer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("make_writer", &type_name::<W>())
            .finish_non_exhaustive()
    }
}
