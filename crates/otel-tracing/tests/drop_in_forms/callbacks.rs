//! `get_otel_context` in other layers and in formatters.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracer;
use tracing::dispatcher::WeakDispatch;
use tracing::span::{Attributes, Id};
use tracing::{Dispatch, Event, Span, Subscriber, dispatcher, info, info_span};
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, get_otel_context};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Context as LayerContext, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, SpanRef};
use tracing_subscriber::{Layer, registry};

use crate::common::{KINDS, Kind, Trial, assert_child, dispatch, ids, sampled, traceparent};
use crate::lines::Lines;

/// The dispatcher that the application's own layer learns when it is installed.
#[derive(Clone, Default)]
struct Slot(Arc<OnceLock<WeakDispatch>>);

impl Slot {
    fn set(&self, dispatch: &Dispatch) {
        let _ = self.0.set(dispatch.downgrade());
    }

    fn ids(&self, id: &Id) -> Option<SpanContext> {
        let dispatch = self.0.get()?.upgrade()?;
        let context = get_otel_context(id, &dispatch)?;
        let ids = context.span().span_context().clone();
        ids.is_valid().then_some(ids)
    }
}

type Seen = Arc<Mutex<Vec<(&'static str, Option<SpanContext>)>>>;

/// Reads the ids of spans at the events of its choice.
#[derive(Clone, Default)]
struct IdsLayer {
    slot: Slot,
    at: &'static [&'static str],
    seen: Seen,
}

impl IdsLayer {
    fn new(at: &'static [&'static str]) -> Self {
        Self {
            at,
            ..Self::default()
        }
    }

    fn see(&self, at: &'static str, id: Option<&Id>) {
        if self.at.contains(&at) {
            let ids = id.and_then(|id| self.slot.ids(id));
            self.seen.lock().unwrap().push((at, ids));
        }
    }

    fn seen(&self) -> Vec<(&'static str, Option<SpanContext>)> {
        self.seen.lock().unwrap().clone()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for IdsLayer {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.slot.set(dispatch);
    }

    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, _: LayerContext<'_, S>) {
        self.see("new", Some(id));
    }

    fn on_event(&self, event: &Event<'_>, ctx: LayerContext<'_, S>) {
        let span = ctx.event_span(event);
        // Formatters hold this while they write the span's fields.
        let _fields = span.as_ref().map(SpanRef::extensions);
        self.see("event", span.as_ref().map(SpanRef::id).as_ref());
    }

    fn on_enter(&self, id: &Id, _: LayerContext<'_, S>) {
        self.see("enter", Some(id));
    }

    fn on_exit(&self, id: &Id, _: LayerContext<'_, S>) {
        self.see("exit", Some(id));
    }

    fn on_close(&self, id: Id, _: LayerContext<'_, S>) {
        self.see("close", Some(&id));
    }
}

#[test]
fn a_layer_reads_the_ids_at_each_callback() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let ours = IdsLayer::new(&["event", "enter", "exit"]);
        let other = ours.clone();
        let dispatch = dispatch!(trial, layer => registry().with(layer).with(other));
        dispatcher::with_default(&dispatch, || {
            info_span!("request").in_scope(|| info!("inside"));
        });
        let expected = Some(trial.get("request").span_context);
        let expected = ["enter", "event", "exit"].map(|at| (at, expected.clone()));
        assert_eq!(ours.seen(), expected);
    }
}

/// The layer below this one has not seen the span yet, or still has it.
#[test]
fn a_layer_below_reads_the_ids() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let ours = IdsLayer::new(&["new", "event", "enter", "exit", "close"]);
        let other = ours.clone();
        let dispatch = dispatch!(trial, layer => registry().with(other).with(layer));
        dispatcher::with_default(&dispatch, || {
            info_span!("request").in_scope(|| info!("inside"));
        });
        let exported = trial.get("request").span_context;
        let expected = [
            ("new", None),
            ("enter", Some(exported.clone())),
            ("event", Some(exported.clone())),
            ("exit", Some(exported.clone())),
            ("close", Some(exported)),
        ];
        assert_eq!(ours.seen(), expected);
    }
}

/// A layer that reads the ids of each new span starts it, so that it takes no parent afterwards.
#[test]
fn a_layer_reads_the_ids_of_a_new_span() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let ours = IdsLayer::new(&["new"]);
        let other = ours.clone();
        let dispatch = dispatch!(trial, layer => registry().with(layer).with(other));
        dispatcher::with_default(&dispatch, || {
            let span = info_span!("request");
            assert!(span.set_parent(sampled(7).0).is_err());
        });
        let expected = Some(trial.get("request").span_context);
        assert_eq!(ours.seen(), [("new", expected)]);
    }
}

#[test]
fn an_event_in_a_span_that_is_not_entered() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let ours = IdsLayer::new(&["event"]);
        let other = ours.clone();
        let dispatch = dispatch!(trial, layer => registry().with(layer).with(other));
        dispatcher::with_default(&dispatch, || {
            let span = info_span!("request");
            info!(parent: &span, "explicit");
            info!("in no span");
        });
        let expected = Some(trial.get("request").span_context);
        assert_eq!(ours.seen(), [("event", expected), ("event", None)]);
    }
}

/// Reads the ids of the nearest span that has some: a per-layer filter hides the inner one from the span layer.
#[derive(Clone, Default)]
struct NearestLayer {
    slot: Slot,
    seen: Arc<Mutex<Vec<Option<SpanContext>>>>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for NearestLayer {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.slot.set(dispatch);
    }

    fn on_event(&self, event: &Event<'_>, ctx: LayerContext<'_, S>) {
        let scope = ctx.event_scope(event);
        let ids: Vec<_> = scope.into_iter().flatten().map(|it| it.id()).collect();
        let nearest = ids.iter().find_map(|id| self.slot.ids(id));
        self.seen.lock().unwrap().push(nearest);
    }
}

/// With otel-tracing, a hidden span has the context of the nearest span that the layer sees. With tracing-opentelemetry it has
/// none.
#[test]
fn spans_that_a_filter_hides_have_the_context_of_the_span_around_them() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let ours = NearestLayer::default();
        let other = ours.clone();
        let dispatch = dispatch!(trial, layer => registry().with(layer.with_filter(LevelFilter::INFO)).with(other));
        let is_upstream = kind == Kind::Upstream;
        dispatcher::with_default(&dispatch, || {
            info_span!("request").in_scope(|| {
                let request = ids(&Span::current());
                let expected = if is_upstream {
                    SpanContext::NONE
                } else {
                    request
                };
                let hidden = tracing::debug_span!("hidden");
                let id = hidden.id().unwrap();
                let found = get_otel_context(&id, &dispatch);
                assert_eq!(found.is_none(), is_upstream);
                assert_eq!(ids(&hidden), expected);
                hidden.set_attribute("a", 1);
                hidden.add_link(sampled(1).1);
                assert_eq!(hidden.set_parent(sampled(7).0).is_ok(), is_upstream);
                hidden.in_scope(|| {
                    info!("inside");
                    assert_eq!(ids(&Span::current()), expected);
                    info_span!("inner").in_scope(|| ());
                });
            });
        });
        let request = trial.get("request").span_context;
        let seen = ours.seen.lock().unwrap();
        assert!(seen.iter().all(|seen| *seen == Some(request.clone())));
        assert_child(&trial.get("inner"), &request);
        assert_eq!(trial.all().len(), 2);
    }
}

/// Makes a finished span of each event, as applications do with the events of sqlx.
struct QueryLayer {
    slot: Slot,
    tracer: SdkTracer,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for QueryLayer {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.slot.set(dispatch);
    }

    fn on_event(&self, event: &Event<'_>, ctx: LayerContext<'_, S>) {
        let Some(span) = ctx.event_span(event) else {
            return;
        };
        let dispatch = self.slot.0.get().and_then(WeakDispatch::upgrade).unwrap();
        let parent = get_otel_context(&span.id(), &dispatch).unwrap();
        let builder = self.tracer.span_builder("query");
        let start = SystemTime::now() - Duration::from_secs(1);
        builder
            .with_start_time(start)
            .start_with_context(&self.tracer, &parent);
    }
}

#[test]
fn a_layer_makes_children_of_events() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let queries = QueryLayer {
            slot: Slot::default(),
            tracer: trial.provider.tracer("sqlx"),
        };
        let dispatch = dispatch!(trial, layer => registry().with(layer).with(queries));
        dispatcher::with_default(&dispatch, || {
            info_span!("request").in_scope(|| info!("select 1"));
        });
        assert_child(&trial.get("query"), &trial.get("request").span_context);
    }
}

/// Reads the ids of a span that the layer below has closed, after another span was used.
#[derive(Clone, Default)]
struct AfterCloseLayer {
    slot: Slot,
    other: Arc<Mutex<Option<Span>>>,
    seen: Seen,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for AfterCloseLayer {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.slot.set(dispatch);
    }

    fn on_close(&self, id: Id, _: LayerContext<'_, S>) {
        let Some(other) = self.other.lock().unwrap().take() else {
            return;
        };
        let mut seen = self.seen.lock().unwrap();
        seen.push(("other", Some(ids(&other))));
        seen.push(("closed", self.slot.ids(&id)));
    }
}

#[test]
fn a_closed_span_never_has_the_ids_of_another_one() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let ours = AfterCloseLayer::default();
        let above = ours.clone();
        let dispatch = dispatch!(trial, layer => registry().with(layer).with(above));
        dispatcher::with_default(&dispatch, || {
            let (first, other) = (info_span!("first"), info_span!("other"));
            let first_ids = ids(&first);
            *ours.other.lock().unwrap() = Some(other);
            drop(first);
            let seen = ours.seen.lock().unwrap();
            assert_eq!(seen.len(), 2);
            let closed = seen[1].1.clone();
            assert!(closed.is_none() || closed == Some(first_ids), "{seen:?}");
        });
    }
}

/// Writes the ids before the line.
struct IdsFormat(Slot);

impl<S, N> FormatEvent<S, N> for IdsFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let span = ctx.lookup_current();
        let ids = span.and_then(|span| self.0.ids(&span.id()));
        write!(
            writer,
            "{} ",
            ids.as_ref().map_or_else(String::new, traceparent)
        )?;
        ctx.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// Gives a formatter's slot the dispatcher, which formatters are not given.
struct SlotLayer(Slot);

impl<S: Subscriber> Layer<S> for SlotLayer {
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.0.set(dispatch);
    }
}

#[test]
fn a_formatter_writes_the_ids_into_the_line() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        let (slot, lines) = (Slot::default(), Lines::default());
        let writer = lines.clone();
        let dispatch = dispatch!(trial, layer => {
            let format = tracing_subscriber::fmt::layer()
                .event_format(IdsFormat(slot.clone()))
                .with_writer(move || writer.clone());
            registry().with(layer).with(format).with(SlotLayer(slot))
        });
        dispatcher::with_default(&dispatch, || {
            info_span!("request", n = 1).in_scope(|| info!("inside"));
            info!("outside");
        });
        let request = traceparent(&trial.get("request").span_context);
        assert_eq!(lines.text(), format!("{request} inside\n outside\n"));
    }
}

#[test]
fn ids_by_a_dispatcher_at_hand() {
    for kind in KINDS {
        let trial = Trial::new(kind);
        trial.run(|| {
            let span = info_span!("request");
            let id = span.id().unwrap();
            let context = dispatcher::get_default(|it| get_otel_context(&id, it)).unwrap();
            assert_eq!(*context.span().span_context(), ids(&span));
            let none = get_otel_context(&id, &Dispatch::none());
            assert!(none.is_none());
            context
                .span()
                .set_attribute(opentelemetry::KeyValue::new("a", 1));
        });
        crate::common::assert_attribute(&trial.get("request"), "a", 1);
    }
}
