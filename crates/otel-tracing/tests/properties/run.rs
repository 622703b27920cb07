//! Runs a program on one of the layers.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::SystemTime;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing::span::Id;
use tracing::{Dispatch, Span, dispatcher};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::callsites;
use crate::handle::{Handle, Thread};
use crate::history::{self, History};
use crate::layers::{self, Kind};
use crate::program::{Options, Parent, Program, SLOTS, Site, Source, Step, Values};

/// What a run has left behind.
pub(crate) struct Run {
    pub(crate) steps: Vec<Report>,
    pub(crate) spans: Vec<SpanData>,
    pub(crate) histories: BTreeMap<usize, History>,
}

/// What is observed after a step.
pub(crate) struct Report {
    /// The context that is active on the thread.
    pub(crate) current: Context,
    pub(crate) answer: Option<Answer>,
    /// How many spans have been exported.
    pub(crate) exported: usize,
    pub(crate) ended: SystemTime,
}

/// What a call has returned.
pub(crate) enum Answer {
    SetParent(String),
    Context(Context),
}

struct Runner {
    kind: Kind,
    options: Options,
    provider: SdkTracerProvider,
    exporter: InMemorySpanExporter,
    dispatch: Dispatch,
    slots: Mutex<Vec<Option<Handle>>>,
    histories: Mutex<BTreeMap<usize, History>>,
}

pub(crate) fn run(program: &Program, kind: Kind) -> Run {
    let _turn = layers::only_subscriber();
    let runner = Runner::new(kind, program.options);
    let mut reports = Vec::new();
    thread::scope(|scope| {
        let mut threads: Vec<_> = (0..program.threads)
            .map(|_| {
                let (steps, next) = mpsc::channel();
                let (done, reports) = mpsc::channel();
                let runner = &runner;
                let thread = scope.spawn(move || runner.work(&next, &done));
                (steps, reports, thread)
            })
            .collect();
        for (n, (thread, step)) in program.steps.iter().enumerate() {
            let (steps, answers, _) = &threads[*thread];
            steps.send((n, step.clone())).unwrap();
            let (current, answer) = answers.recv().unwrap();
            reports.push(runner.report(current, answer));
        }
        // The registry closes the parent of a span through the default dispatcher.
        let _default = dispatcher::set_default(&runner.dispatch);
        for slot in 0..SLOTS {
            drop(runner.slots()[slot].take());
            reports.push(runner.report(Context::new(), None));
        }
        for (steps, _, thread) in threads.drain(..) {
            drop(steps);
            thread.join().unwrap();
            reports.push(runner.report(Context::new(), None));
        }
    });
    Run {
        steps: reports,
        spans: runner.exporter.get_finished_spans().unwrap(),
        histories: runner.histories.into_inner().unwrap(),
    }
}

impl Runner {
    fn new(kind: Kind, options: Options) -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = layers::provider(&exporter);
        let dispatch = layers::dispatch(kind, &options, &provider);
        Self {
            kind,
            options,
            provider,
            exporter,
            dispatch,
            slots: Mutex::new(vec![None; SLOTS]),
            histories: Mutex::default(),
        }
    }

    fn slots(&self) -> MutexGuard<'_, Vec<Option<Handle>>> {
        self.slots.lock().unwrap()
    }

    fn slot(&self, slot: usize) -> Option<Handle> {
        self.slots()[slot].clone()
    }

    fn report(&self, current: Context, answer: Option<Answer>) -> Report {
        Report {
            current,
            answer,
            exported: self.exporter.get_finished_spans().unwrap().len(),
            ended: SystemTime::now(),
        }
    }

    fn work(&self, steps: &Receiver<(usize, Step)>, reports: &Sender<(Context, Option<Answer>)>) {
        let _default = dispatcher::set_default(&self.dispatch);
        let mut thread = Thread::default();
        for (n, step) in steps {
            let answer = self.take(&mut thread, n, &step);
            reports.send((Context::current(), answer)).unwrap();
        }
        while !thread.entered.is_empty() {
            thread.exit(0);
        }
        while thread.attached.pop().is_some() {}
    }

    fn take(&self, thread: &mut Thread, n: usize, step: &Step) -> Option<Answer> {
        match step {
            Step::Create(slot, site, parent, values) => {
                let parent = self.parent(thread, *parent);
                let handle = self.create(n, *site, parent, values);
                let before = self.slots()[*slot].replace(handle);
                drop(before);
            }
            Step::Exit(depth) => thread.exit(*depth),
            Step::Clone(from, to) => {
                let handle = self.slot(*from)?;
                let before = self.slots()[*to].replace(handle);
                drop(before);
            }
            Step::Drop(slot) => {
                let before = self.slots()[*slot].take();
                drop(before);
            }
            Step::Event(slot, site, text) => {
                let handle = match slot {
                    Some(slot) => Some(self.slot(*slot)?),
                    None => thread.current(|it| !it.is_hidden).cloned(),
                };
                if let Some(handle) = handle.as_ref().filter(|it| !it.is_hidden) {
                    self.change(handle, |it| it.add_event(n, *site, text, &self.options));
                }
                let parent = slot.map(|_| handle.and_then(|it| it.span.id()));
                callsites::send(*site, n as i64, parent, text);
            }
            Step::ApiSpan => drop(self.api_span(n)),
            Step::ApiEnter => {
                let span = self.api_span(n);
                let context = Context::current_with_span(span);
                thread.attached.push(context.attach());
            }
            Step::Attach(source) => {
                let context = self.context(*source)?;
                thread.attached.push(context.attach());
            }
            Step::Detach(depth) => {
                let place = thread.attached.len().checked_sub(depth + 1)?;
                drop(thread.attached.remove(place));
            }
            Step::Enter(slot)
            | Step::Record(slot, _)
            | Step::FollowsFrom(slot, _)
            | Step::SetParent(slot, _)
            | Step::AskContext(slot)
            | Step::SetAttribute(slot, _)
            | Step::SetStatus(slot, _)
            | Step::AddLink(slot, _)
            | Step::AddEvent(slot) => return self.call(thread, n, &self.slot(*slot)?, step),
        }
        None
    }

    /// Takes a step on a span.
    fn call(&self, thread: &mut Thread, n: usize, handle: &Handle, step: &Step) -> Option<Answer> {
        match step {
            Step::Enter(_) => {
                if !handle.is_hidden {
                    self.start(handle);
                }
                thread.enter(handle);
                return None;
            }
            Step::Record(_, late) => {
                if !handle.is_hidden && handle.span.has_field(late.field()) {
                    self.change(handle, |it| it.add_record(late));
                }
                late.record(&handle.span);
                return None;
            }
            Step::FollowsFrom(_, other) => {
                // tracing-opentelemetry hangs if a span follows from itself.
                let other = self.slot(*other).filter(|it| it.n != handle.n)?;
                if !handle.is_hidden && !other.is_hidden {
                    self.start(&other);
                    self.change(handle, |it| it.set_changed(n));
                }
                handle.span.follows_from(&other.span);
                return None;
            }
            _ => {}
        }
        let context = match step {
            Step::SetParent(_, source) | Step::AddLink(_, source) => self.context(*source)?,
            _ => Context::new(),
        };
        let ids = context.span().span_context().clone();
        // A link without valid ids is ignored.
        if ids.is_valid() || !matches!(step, Step::AddLink(..)) {
            self.change(handle, |it| it.set_changed(n));
        }
        let span = self.called(handle);
        match step {
            Step::SetParent(..) => {
                let result = span.set_parent(context);
                return Some(Answer::SetParent(format!("{result:?}")));
            }
            Step::AskContext(_) => {
                self.start(handle);
                return Some(Answer::Context(span.context()));
            }
            Step::SetAttribute(_, value) => span.set_attribute("set", *value),
            Step::SetStatus(_, code) => {
                self.change(handle, |it| it.add_call(*code));
                span.set_status(history::status(*code));
            }
            Step::AddLink(..) => {
                span.add_link_with_attributes(ids, vec![KeyValue::new("n", n as i64)]);
            }
            Step::AddEvent(_) => span.add_event("added", vec![KeyValue::new("n", n as i64)]),
            _ => unreachable!(),
        }
        None
    }

    /// Returns the span on which a method of the extension trait is called.
    ///
    /// With otel-tracing, a hidden span acts for the nearest span around it that the layer sees. With tracing-opentelemetry the
    /// methods would do nothing. The exported spans do not show these calls, so this is not one of the [`differences`].
    ///
    /// [`differences`]: crate::differences::differences
    fn called<'h>(&self, handle: &'h Handle) -> &'h Span {
        match handle.seen() {
            Some(seen) if self.kind == Kind::Upstream => &seen.span,
            _ => &handle.span,
        }
    }

    fn create(
        &self,
        n: usize,
        site: Site,
        parent: (Option<Option<Id>>, Option<Handle>),
        values: &Values,
    ) -> Handle {
        let (id, around) = parent;
        let span = callsites::make(site, n as i64, id.clone(), values);
        let around = around.as_ref().and_then(Handle::seen);
        let is_hidden = site == Site::Hidden;
        if !is_hidden {
            let mut history = History::new(site, values);
            let parent = match (id, around) {
                (None, _) => Context::current(),
                (Some(_), Some(around)) => {
                    self.start(around);
                    // Only tracing-opentelemetry is asked: the question is a use of the extension trait.
                    if self.kind == Kind::Upstream {
                        around.span.context()
                    } else {
                        Context::new()
                    }
                }
                (Some(_), None) => Context::new(),
            };
            let parent = parent.span().span_context().clone();
            history.is_unsampled = parent.is_valid() && !parent.is_sampled() && !parent.is_remote();
            self.histories.lock().unwrap().insert(n, history);
        }
        Handle {
            n,
            span,
            is_hidden,
            around: around.filter(|_| is_hidden).cloned().map(Box::new),
        }
    }

    /// Returns the explicit parent of a new span, and the span around it.
    fn parent(&self, thread: &Thread, parent: Parent) -> (Option<Option<Id>>, Option<Handle>) {
        match parent {
            Parent::Current => (None, thread.current(|_| true).cloned()),
            Parent::Root => (Some(None), None),
            Parent::Slot(slot) => {
                let handle = self.slot(slot);
                let id = handle.as_ref().and_then(|it| self.called(it).id());
                (Some(id), handle)
            }
        }
    }

    fn context(&self, source: Source) -> Option<Context> {
        let baggage = [KeyValue::new("user", "7")];
        match source {
            Source::Remote(number) => {
                Some(Context::new().with_remote_span_context(layers::remote(number)))
            }
            Source::Baggage => Some(Context::new().with_baggage(baggage)),
            Source::CurrentWithBaggage => Some(Context::current_with_baggage(baggage)),
            Source::Slot(slot) => {
                let handle = self.slot(slot)?;
                self.start(&handle);
                Some(self.called(&handle).context())
            }
        }
    }

    fn api_span(&self, n: usize) -> opentelemetry_sdk::trace::Span {
        let tracer = self.provider.tracer("api");
        let builder = tracer.span_builder("api");
        let builder = builder.with_attributes([KeyValue::new("n", n as i64)]);
        tracer.build_with_context(builder, &Context::current())
    }

    fn start(&self, handle: &Handle) {
        self.change(handle, |it| it.has_started = true);
    }

    fn change(&self, handle: &Handle, change: impl FnOnce(&mut History)) {
        if let Some(seen) = handle.seen() {
            let mut histories = self.histories.lock().unwrap();
            change(histories.get_mut(&seen.n).unwrap());
        }
    }
}
