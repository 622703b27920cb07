//! The layer that writes lines.

use std::{
    any::{Any, type_name},
    env, fmt,
    io::{self, IsTerminal as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use otel_core::{
    redact::Secrets,
    span_fields::{MAX_KEPT, Owner},
};
use tracing_core::{
    Dispatch, Event, Interest, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{fmt::MakeWriter, layer::Context, registry::LookupSpan};

use crate::{
    boxed_writer::BoxedWriter,
    config::{Config, Spans},
    counts::Counts,
    facts::Facts,
    fields::Fields,
    format::{Format, Key},
    ids::IdSource,
    line,
    notice::{self, Notice},
    pretty, rate_limit, scratch, span_fields,
    template::Template,
};

/// Creates a layer that writes each event as one JSON line to standard output.
///
/// See the [crate docs](crate) for an example and for what a line contains.
pub fn layer() -> Layer {
    Layer {
        make_writer: io::stdout,
        clock: SystemTime::now,
        config: Config::default(),
        template: OnceLock::new(),
        ids: IdSource::default(),
        counts: Counts::default(),
        notice: Notice::default(),
        lines_left_out: AtomicU64::new(0),
    }
}

/// A layer that writes each event as one JSON line, with the ids of its trace and span.
///
/// Created by [`layer`].
#[must_use = "a layer does nothing until it is added to a subscriber"]
pub struct Layer<W = fn() -> io::Stdout> {
    make_writer: W,
    clock: fn() -> SystemTime,
    config: Config,
    /// Computed from the settings when the first line is written.
    template: OnceLock<Template>,
    ids: IdSource,
    counts: Counts,
    notice: Notice,
    /// The lines that the rate limit suppressed and no line has reported yet.
    lines_left_out: AtomicU64,
}

impl<W> Layer<W> {
    /// Sets the writer of the lines. Default: standard output.
    ///
    /// Each line is one `write_all`. If a line cannot be written, the failure is counted ([`Counts::failed`]), and the first
    /// failure is reported on standard error. To write many lines at once, use
    /// [`BufferedWriter`](crate::BufferedWriter).
    pub fn writer<W2>(self, make_writer: W2) -> Layer<W2>
    where
        W2: for<'a> MakeWriter<'a> + 'static,
    {
        self.map_writer(|_| make_writer)
    }

    /// Erases the type of the writer.
    ///
    /// Layers with different writers then have the same type, so a function can take one and return another. Every option can still
    /// be set. The cost is one virtual call for each line.
    ///
    /// ```
    /// fn layer(to_stderr: bool) -> otel_log::Layer<otel_log::BoxedWriter> {
    ///     let layer = otel_log::layer();
    ///     if to_stderr {
    ///         layer.writer(std::io::stderr).boxed_writer()
    ///     } else {
    ///         layer.boxed_writer()
    ///     }
    /// }
    /// # let _ = layer(true).location(true).pretty();
    /// ```
    pub fn boxed_writer(self) -> Layer<BoxedWriter>
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.map_writer(BoxedWriter::new)
    }

    /// Sets the clock for the time of a line. Default: [`SystemTime::now`].
    ///
    /// With a clock that returns a fixed time, a test can compare whole lines.
    pub fn clock(self, clock: fn() -> SystemTime) -> Self {
        Self { clock, ..self }
    }

    /// Sets the names and forms of what the line itself writes. Default: [`Format::opentelemetry`].
    pub fn format(self, format: Format) -> Self {
        self.with(|config| config.format = format)
    }

    /// Sets which spans' fields are written. Default: [`Spans::Current`].
    pub fn spans(self, spans: Spans) -> Self {
        self.with(|config| config.spans = spans)
    }

    /// Sets whether the event's fields are in an object `fields`, and those of spans in an object `span`. Default: `false`.
    ///
    /// Otherwise the fields are next to the line's own keys. A field with the name of such a key gets `field.` in front.
    pub fn nested(self, nested: bool) -> Self {
        self.with(|config| config.nested = nested)
    }

    /// Sets whether the source file and line of the event are written. Default: `false`.
    pub fn location(self, location: bool) -> Self {
        self.with(|config| config.location = location)
    }

    /// Sets whether the name and number of the thread are written. Default: `false`.
    pub fn thread(self, thread: bool) -> Self {
        self.with(|config| config.thread = thread)
    }

    /// Adds fields to every line. Further calls add more. See [`fields`](crate::fields).
    pub fn with_fields(self, fields: Fields) -> Self {
        self.with(|config| config.extra.push(fields))
    }

    /// Sets the list of secrets: the fields whose values are written as `REDACTED`. By default the list of the process applies, which
    /// `otel_core::redact::set_default` sets.
    ///
    /// A field is redacted if the part of its name after the last dot ends with a listed word: `token` redacts `token`,
    /// `auth.token`, `access_token` and `accessToken`, but not `token_count`. Fields such as `uri` and `callback_url` are redacted
    /// as URLs. The user info of URLs is redacted in every value and in messages.
    pub fn secrets(self, secrets: Secrets) -> Self {
        self.with(|config| config.secrets.set(secrets))
    }

    /// Limits the bytes of a text. Default: 16 KiB. Maximum: 64 KiB.
    ///
    /// A longer text is cut between two characters and marked with `…[cut]`. Escapes do not count.
    pub fn value_limit(self, bytes: usize) -> Self {
        self.with(|config| config.value_limit = bytes.min(MAX_KEPT))
    }

    /// Limits the bytes of a line without its ids. Default: 128 KiB.
    ///
    /// Fields that do not fit are left out, and `fields_left_out` is their number. The ids are always written.
    pub fn line_limit(self, bytes: usize) -> Self {
        self.with(|config| config.line_limit = bytes)
    }

    /// Limits how many lines each place in the code writes per second. Default: no limit.
    ///
    /// Lines of sampled traces are always written. The next line of any place has the number of suppressed lines as
    /// `lines_left_out`.
    pub fn rate_limit(self, lines_per_second: u32) -> Self {
        self.with(|config| config.rate_limit = Some(lines_per_second))
    }

    /// Sets whether lines in spans should have ids. Default: `true`.
    ///
    /// If they should, and the first line in a span has none, one line reports this. Set `false` if the application does not use
    /// OpenTelemetry.
    pub fn expect_ids(self, expected: bool) -> Self {
        self.with(|config| config.expects_ids = expected)
    }

    /// Writes text for people instead of JSON: time of day, level, message, fields, target, and the start of the trace id.
    ///
    /// The text has colors if standard output is a terminal and `NO_COLOR` is not set. See [`color`](Self::color).
    pub fn pretty(self) -> Self {
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = io::stdout().is_terminal() && !no_color;
        self.with(|config| config.pretty = true).color(color)
    }

    /// Writes JSON lines. This is the default. The call reverts [`pretty`](Self::pretty).
    pub fn json(self) -> Self {
        self.with(|config| config.pretty = false)
    }

    /// Sets whether [`pretty`](Self::pretty) lines have colors.
    pub fn color(self, color: bool) -> Self {
        self.with(|config| config.color = color)
    }

    /// Returns the counts of this layer. Call this before the layer is added to a subscriber; the counts stay up to date.
    pub fn counts(&self) -> Counts {
        self.counts.clone()
    }

    fn map_writer<W2>(self, change: impl FnOnce(W) -> W2) -> Layer<W2> {
        Layer {
            make_writer: change(self.make_writer),
            clock: self.clock,
            config: self.config,
            template: self.template,
            ids: self.ids,
            counts: self.counts,
            notice: self.notice,
            lines_left_out: self.lines_left_out,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self.template = OnceLock::new();
        self
    }

    fn template(&self) -> &Template {
        self.template
            .get_or_init(|| Template::new(self.config.clone()))
    }

    /// Whether the rate limit allows this line. All lines of a sampled trace are allowed, so that the trace is complete.
    fn is_allowed(&self, template: &Template, facts: &Facts<'_>) -> bool {
        let Some(limit) = self.config.rate_limit else {
            return true;
        };
        let is_sampled = facts.ids.is_some_and(|ids| ids.trace_flags.is_sampled());
        let of_record = facts.record.and_then(|it| template.log_rates.get(it));
        let rate = of_record.unwrap_or(&facts.plan.rate);
        if is_sampled || rate_limit::allows(rate, limit, facts.time) {
            return true;
        }
        self.lines_left_out.fetch_add(1, Ordering::Relaxed);
        self.counts.add_rate_limited();
        false
    }

    /// Returns how many suppressed lines the next line reports.
    fn take_lines_left_out(&self, template: &Template) -> u64 {
        let count = self.lines_left_out.load(Ordering::Relaxed);
        if count == 0 || template.keys.get(Key::LinesLeftOut).is_none() {
            return 0;
        }
        self.lines_left_out.swap(0, Ordering::Relaxed)
    }
}

impl<W> Layer<W>
where
    W: for<'a> MakeWriter<'a> + 'static,
{
    /// Writes a line. Returns `false` if the writer fails or panics, which must not harm the program that logs.
    fn emit(&self, metadata: &Metadata<'_>, line: &[u8]) -> bool {
        let written = catch_unwind(AssertUnwindSafe(|| {
            // Decided by the compiler.
            match (&self.make_writer as &dyn Any).downcast_ref::<BoxedWriter>() {
                Some(boxed) => boxed.write_line(metadata, line),
                None => self.make_writer.make_writer_for(metadata).write_all(line),
            }
        }));
        let error = match written {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => error,
            Err(_) => io::Error::other("the writer panicked"),
        };
        if self.counts.add_failed() {
            notice::write_failed(&error);
        }
        false
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

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        span_fields::register::<S>();
        if metadata.is_span() {
            self.template().span_plan(metadata);
        }
        Interest::always()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if !self.ids.has_fields(id) {
            span_fields::on_new_span(Owner::LineLayer, id, &ctx, attributes);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            span_fields::on_record(Owner::LineLayer, &span, values);
        }
    }

    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        self.ids.on_enter(Owner::LineLayer, id, &ctx);
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let template = self.template();
        let plan = template.event_plan(event);
        let record = plan.log_record(event);
        let mut facts = Facts {
            event,
            record: record.as_ref(),
            plan,
            ids: self.ids.event_ids(event, &ctx),
            time: (self.clock)(),
            lines_left_out: 0,
        };
        if !self.is_allowed(template, &facts) {
            return;
        }
        facts.lines_left_out = self.take_lines_left_out(template);
        let must_notify = self.config.expects_ids
            && self.notice.is_due(facts.ids.is_some(), || {
                // A span below INFO may have no ids: OpenTelemetry layers often filter out such spans.
                let current = ctx.lookup_current().filter(|_| event.is_contextual());
                current.is_some_and(|span| *span.metadata().level() <= Level::INFO)
            });
        scratch::with(|scratch| {
            if template.config.pretty {
                pretty::write(scratch, template, &facts, &ctx);
            } else {
                line::write(scratch, template, &facts, &ctx);
            }
            if !self.emit(facts.metadata(), &scratch.line) {
                self.lines_left_out
                    .fetch_add(facts.lines_left_out, Ordering::Relaxed);
            }
            if must_notify {
                scratch.clear();
                if template.config.pretty {
                    pretty::write_notice(scratch, template, facts.time, &notice::NO_IDS);
                } else {
                    line::write_notice(scratch, template, facts.time, &notice::NO_IDS);
                }
                self.emit(facts.metadata(), &scratch.line);
            }
        });
    }
}

impl<W> fmt::Debug for Layer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("make_writer", &type_name::<W>())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
