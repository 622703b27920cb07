//! What a run has left behind, without ids and times, so that two runs can be compared.

use std::collections::{BTreeMap, HashMap};
use std::time::SystemTime;

use opentelemetry::baggage::BaggageExt as _;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceId};
use opentelemetry::{Array, Context, KeyValue, Value};
use opentelemetry_sdk::trace::SpanData;

use crate::history::History;
use crate::layers;
use crate::program::REMOTES;
use crate::run::{Answer, Report, Run};

/// A span without ids and times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NormalSpan {
    /// The step that made the span.
    pub(crate) n: i64,
    pub(crate) parent: Who,
    pub(crate) trace: usize,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) status: Status,
    pub(crate) attributes: Attributes,
    pub(crate) links: Vec<(Who, Attributes)>,
    pub(crate) events: Vec<NormalEvent>,
    pub(crate) scope: String,
    /// The step in which the span starts.
    pub(crate) start: usize,
    /// The step in which the span ends.
    pub(crate) end: usize,
    /// The step in which the span is exported.
    pub(crate) closed: usize,
    pub(crate) history: History,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NormalEvent {
    /// The step that made the event.
    pub(crate) n: i64,
    pub(crate) name: String,
    pub(crate) time: usize,
    pub(crate) attributes: Attributes,
}

/// The last value of each attribute.
pub(crate) type Attributes = BTreeMap<String, Shown>;

/// The value of an attribute. NaN equals NaN.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Shown {
    Integer(i64),
    Float(String),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
}

/// A span by its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Nobody,
    Remote(u64),
    /// The exported span of a step.
    Exported(i64),
    /// A span that is not exported, in the order of appearance.
    Unsampled(usize),
}

/// What is seen after a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NormalStep {
    current: Seen,
    answer: Option<NormalAnswer>,
}

#[derive(Clone, Debug, PartialEq)]
enum NormalAnswer {
    SetParent(String),
    Context(Seen),
}

/// A context without ids.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    span: Who,
    trace: usize,
    is_sampled: bool,
    is_remote: bool,
    baggage: Option<String>,
}

/// Makes numbers of ids.
struct Numbers {
    spans: HashMap<SpanId, Who>,
    traces: HashMap<TraceId, usize>,
    /// Spans that are not exported have no numbers.
    merges_unsampled: bool,
}

impl Numbers {
    fn new(run: &Run, merges_unsampled: bool) -> Self {
        let exported = run.spans.iter();
        let exported = exported.map(|it| (it.span_context.span_id(), Who::Exported(number(it))));
        let remotes = (1..=REMOTES).map(|number| (SpanId::from(number), Who::Remote(number)));
        let nobody = (SpanId::INVALID, Who::Nobody);
        let mut numbers = Self {
            spans: exported.chain(remotes).chain([nobody]).collect(),
            traces: HashMap::new(),
            merges_unsampled,
        };
        for number in 1..=REMOTES {
            numbers.trace(layers::remote(number).trace_id());
        }
        numbers
    }

    fn trace(&mut self, id: TraceId) -> usize {
        let next = self.traces.len();
        *self.traces.entry(id).or_insert(next)
    }

    fn who(&mut self, id: SpanId) -> Who {
        let unsampled = Who::Unsampled(if self.merges_unsampled {
            0
        } else {
            self.spans.len()
        });
        self.spans.entry(id).or_insert(unsampled).clone()
    }

    fn seen(&mut self, context: &Context) -> Seen {
        let span = context.span();
        let ids: &SpanContext = span.span_context();
        let baggage = context.baggage().get("user");
        Seen {
            span: self.who(ids.span_id()),
            trace: self.trace(ids.trace_id()),
            is_sampled: ids.is_sampled(),
            is_remote: ids.is_remote(),
            baggage: baggage.map(|it| it.as_str().to_owned()),
        }
    }

    fn step(&mut self, report: &Report) -> NormalStep {
        NormalStep {
            current: self.seen(&report.current),
            answer: report.answer.as_ref().map(|answer| match answer {
                Answer::SetParent(result) => NormalAnswer::SetParent(result.clone()),
                Answer::Context(context) => NormalAnswer::Context(self.seen(context)),
            }),
        }
    }

    fn span(&mut self, place: usize, span: &SpanData, run: &Run) -> NormalSpan {
        let links = span.links.iter().map(|link| {
            let linked = self.who(link.span_context.span_id());
            (linked, attributes(&link.attributes))
        });
        let mut links: Vec<_> = links.collect();
        links.sort_by_key(|(linked, attributes)| (linked.clone(), format!("{attributes:?}")));
        let mut events: Vec<_> = span
            .events
            .iter()
            .map(|it| NormalEvent {
                n: number_of(&it.attributes),
                name: it.name.to_string(),
                time: step_at(it.timestamp, run),
                attributes: attributes(&it.attributes),
            })
            .collect();
        // Before the start, an event of the extension trait comes after the `tracing` events.
        events.sort_by_key(|it| it.n);
        let n = number(span);
        let history = run.histories.get(&(n as usize));
        let parent = self.who(span.parent_span_id);
        assert_eq!(
            span.parent_span_is_remote,
            matches!(parent, Who::Remote(_)),
            "{span:?}"
        );
        NormalSpan {
            n,
            parent,
            trace: self.trace(span.span_context.trace_id()),
            name: span.name.to_string(),
            kind: span.span_kind.clone(),
            status: span.status.clone(),
            attributes: attributes(&span.attributes),
            links,
            events,
            scope: span.instrumentation_scope.name().to_owned(),
            start: step_at(span.start_time, run),
            end: step_at(span.end_time, run),
            closed: run.steps.partition_point(|it| it.exported <= place),
            history: history.cloned().unwrap_or_default(),
        }
    }
}

/// Returns the spans in the order in which they were made, and the observations after each step.
pub(crate) fn normal(run: &Run, merges_unsampled: bool) -> (Vec<NormalSpan>, Vec<NormalStep>) {
    let mut numbers = Numbers::new(run, merges_unsampled);
    let steps = run.steps.iter().map(|it| numbers.step(it)).collect();
    let mut order: Vec<_> = run.spans.iter().enumerate().collect();
    order.sort_by_key(|(_, span)| number(span));
    let spans = order.into_iter();
    let spans = spans
        .map(|(place, span)| numbers.span(place, span, run))
        .collect();
    (spans, steps)
}

/// Returns the step in which the time lies. Steps follow each other with pauses between them.
fn step_at(time: SystemTime, run: &Run) -> usize {
    run.steps.partition_point(|it| it.ended < time)
}

fn number(span: &SpanData) -> i64 {
    number_of(&span.attributes)
}

fn number_of(attributes: &[KeyValue]) -> i64 {
    let n = attributes.iter().find(|it| it.key.as_str() == "n");
    match n.map(|it| &it.value) {
        Some(Value::I64(n)) => *n,
        _ => -1,
    }
}

fn attributes(list: &[KeyValue]) -> Attributes {
    let list = list.iter();
    list.map(|it| (it.key.as_str().to_owned(), shown(&it.value)))
        .collect()
}

fn shown(value: &Value) -> Shown {
    match value {
        Value::I64(value) => Shown::Integer(*value),
        Value::F64(value) => Shown::Float(value.to_string()),
        Value::Bool(value) => Shown::Flag(*value),
        Value::Array(Array::String(texts)) => {
            Shown::Texts(texts.iter().map(|it| it.as_str().to_owned()).collect())
        }
        Value::String(text) => Shown::Text(text.as_str().to_owned()),
        other => Shown::Text(format!("{other:?}")),
    }
}
