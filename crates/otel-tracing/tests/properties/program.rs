//! Random programs: lists of steps that a few threads take in turn.

use proptest::collection::vec;
use proptest::prelude::*;

/// How many spans a program holds at the same time.
pub(crate) const SLOTS: usize = 4;
/// How many contexts of callers there are. The last is not sampled.
pub(crate) const REMOTES: u64 = 3;
/// The limit of a text if the limit is on.
pub(crate) const VALUE_LIMIT: usize = 40;

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) options: Options,
    pub(crate) threads: usize,
    /// The thread that takes a step, and the step.
    pub(crate) steps: Vec<(usize, Step)>,
}

/// The options of the layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) events: bool,
    pub(crate) error_fields: bool,
    pub(crate) function_names: bool,
    pub(crate) value_limit: bool,
    pub(crate) end_at_exit: bool,
    /// Whether the subscriber has another layer, which sees the spans that the filter hides from the span layer.
    pub(crate) other_layer: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create(usize, Site, Parent, Values),
    Enter(usize),
    /// Leaves an entered span of the thread. 0 is the innermost.
    Exit(usize),
    Clone(usize, usize),
    Drop(usize),
    Record(usize, Late),
    FollowsFrom(usize, usize),
    SetParent(usize, Source),
    AskContext(usize),
    SetAttribute(usize, i64),
    SetStatus(usize, Code),
    AddLink(usize, Source),
    AddEvent(usize),
    Event(Option<usize>, EventSite, String),
    /// Starts and ends a span of the OpenTelemetry API.
    ApiSpan,
    /// Activates a span of the OpenTelemetry API.
    ApiEnter,
    /// Activates a context.
    Attach(Source),
    /// Deactivates a context that the thread has activated. 0 is the innermost.
    Detach(usize),
}

/// A callsite of spans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Site {
    Plain,
    Numbers,
    Texts,
    Failed,
    Named,
    /// `otel.*` fields that are not texts.
    NotTexts,
    /// At DEBUG.
    Hidden,
    /// Not sampled if it has no parent.
    Quiet,
    /// Has a field `code.function.name`.
    Function,
    /// Of a crate of this project.
    OwnCrate,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Parent {
    Current,
    Root,
    Slot(usize),
}

/// The values of fields of a new span.
#[derive(Clone, Debug)]
pub(crate) struct Values {
    pub(crate) integer: i64,
    pub(crate) unsigned: u64,
    pub(crate) wide: i128,
    pub(crate) wide_unsigned: u128,
    pub(crate) float: f64,
    pub(crate) flag: bool,
    pub(crate) option: Option<i64>,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<Code>,
    pub(crate) description: Option<String>,
}

/// A field that is recorded later.
#[derive(Clone, Debug)]
pub(crate) enum Late {
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Error(String),
    Name(String),
    NameNumber(i64),
    Kind(&'static str),
    Code(Code),
    Description(String),
}

/// A status by its text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Code {
    Ok,
    Error,
    Unknown,
}

/// The origin of a context.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Remote(u64),
    Baggage,
    CurrentWithBaggage,
    Slot(usize),
}

/// A callsite of events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum EventSite {
    Info,
    Error,
    ErrorWithoutMessage,
    ErrorShown,
    InfoShown,
    WarnDebug,
    ErrorStr,
    InfoStr,
    ErrorValue,
    InfoValue,
    ErrorValueAndMessage,
    InfoCauseAndMessage,
    ErrorTextAndMessage,
    InfoErrorInteger,
    InfoErrorFlag,
    InfoErrorUnsigned,
    ErrorNone,
    /// Of one of OpenTelemetry's own crates.
    OpenTelemetry,
    Debug,
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-z]{0,6}", 1 => "[a-zé\"\\\\-]{0,60}"]
}

fn unsigned() -> impl Strategy<Value = u64> {
    prop_oneof![0..9_u64, any::<u64>(), Just(u64::MAX), Just(1 << 63)]
}

fn float() -> impl Strategy<Value = f64> {
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
    prop_oneof![any::<f64>(), prop::sample::select(special.to_vec())]
}

fn kind() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "server", "CLIENT", "Producer", "consumer", "internal", "waiter", "",
    ])
}

fn code() -> impl Strategy<Value = Code> {
    prop::sample::select(vec![Code::Ok, Code::Error, Code::Error, Code::Unknown])
}

fn slot() -> impl Strategy<Value = usize> {
    0..SLOTS
}

fn site() -> impl Strategy<Value = Site> {
    prop_oneof![
        4 => Just(Site::Plain),
        1 => Just(Site::Numbers),
        1 => Just(Site::Texts),
        1 => Just(Site::Failed),
        2 => Just(Site::Named),
        1 => Just(Site::NotTexts),
        2 => Just(Site::Hidden),
        2 => Just(Site::Quiet),
        1 => Just(Site::Function),
        1 => Just(Site::OwnCrate),
    ]
}

fn parent() -> impl Strategy<Value = Parent> {
    prop_oneof![
        4 => Just(Parent::Current),
        1 => Just(Parent::Root),
        2 => slot().prop_map(Parent::Slot),
    ]
}

fn values() -> impl Strategy<Value = Values> {
    let wide = prop_oneof![any::<i128>(), any::<i64>().prop_map(i128::from)];
    let wide_unsigned = prop_oneof![any::<u128>(), any::<u64>().prop_map(u128::from)];
    let numbers = (any::<i64>(), unsigned(), wide, wide_unsigned, float());
    let others = (
        any::<bool>(),
        any::<Option<i64>>(),
        text(),
        vec(any::<u8>(), 0..6),
        kind(),
        prop::option::of(code()),
        prop::option::of(text()),
    );
    (numbers, others).prop_map(|(numbers, others)| {
        let (integer, unsigned, wide, wide_unsigned, float) = numbers;
        let (flag, option, text, bytes, kind, code, description) = others;
        Values {
            integer,
            unsigned,
            wide,
            wide_unsigned,
            float,
            flag,
            option,
            text,
            bytes,
            kind,
            code,
            description,
        }
    })
}

fn late() -> impl Strategy<Value = Late> {
    prop_oneof![
        any::<i64>().prop_map(Late::Integer),
        unsigned().prop_map(Late::Unsigned),
        float().prop_map(Late::Float),
        text().prop_map(Late::Text),
        text().prop_map(Late::Error),
        text().prop_map(Late::Name),
        (0..9_i64).prop_map(Late::NameNumber),
        kind().prop_map(Late::Kind),
        code().prop_map(Late::Code),
        text().prop_map(Late::Description),
    ]
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        3 => (1..=REMOTES).prop_map(Source::Remote),
        1 => Just(Source::Baggage),
        1 => Just(Source::CurrentWithBaggage),
        2 => slot().prop_map(Source::Slot),
    ]
}

fn event() -> impl Strategy<Value = EventSite> {
    prop::sample::select(vec![
        EventSite::Info,
        EventSite::Error,
        EventSite::ErrorWithoutMessage,
        EventSite::ErrorShown,
        EventSite::InfoShown,
        EventSite::WarnDebug,
        EventSite::ErrorStr,
        EventSite::InfoStr,
        EventSite::ErrorValue,
        EventSite::InfoValue,
        EventSite::ErrorValueAndMessage,
        EventSite::InfoCauseAndMessage,
        EventSite::ErrorTextAndMessage,
        EventSite::InfoErrorInteger,
        EventSite::InfoErrorFlag,
        EventSite::InfoErrorUnsigned,
        EventSite::ErrorNone,
        EventSite::OpenTelemetry,
        EventSite::Debug,
    ])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (slot(), site(), parent(), values())
            .prop_map(|(slot, site, parent, values)| Step::Create(slot, site, parent, values)),
        7 => slot().prop_map(Step::Enter),
        4 => prop_oneof![3 => Just(0), 1 => 0..4_usize].prop_map(Step::Exit),
        1 => (slot(), slot()).prop_map(|(from, to)| Step::Clone(from, to)),
        1 => slot().prop_map(Step::Drop),
        4 => (slot(), late()).prop_map(|(slot, late)| Step::Record(slot, late)),
        1 => (slot(), slot()).prop_map(|(slot, other)| Step::FollowsFrom(slot, other)),
        3 => (slot(), source()).prop_map(|(slot, source)| Step::SetParent(slot, source)),
        2 => slot().prop_map(Step::AskContext),
        1 => (slot(), any::<i64>()).prop_map(|(slot, value)| Step::SetAttribute(slot, value)),
        2 => (slot(), code()).prop_map(|(slot, code)| Step::SetStatus(slot, code)),
        1 => (slot(), source()).prop_map(|(slot, source)| Step::AddLink(slot, source)),
        1 => slot().prop_map(Step::AddEvent),
        4 => (prop::option::of(slot()), event(), text())
            .prop_map(|(slot, event, text)| Step::Event(slot, event, text)),
        2 => Just(Step::ApiSpan),
        1 => Just(Step::ApiEnter),
        1 => source().prop_map(Step::Attach),
        2 => (0..3_usize).prop_map(Step::Detach),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let often = prop::bool::weighted(0.8);
    (
        any::<bool>(),
        often,
        often,
        prop::bool::weighted(0.3),
        any::<bool>(),
        often,
    )
        .prop_map(|it| Options {
            events: it.0,
            error_fields: it.1,
            function_names: it.2,
            value_limit: it.3,
            end_at_exit: it.4,
            other_layer: it.5,
        })
}

pub(crate) fn program() -> impl Strategy<Value = Program> {
    (options(), 1..=3_usize).prop_flat_map(|(options, threads)| {
        vec((0..threads, step()), 1..50).prop_map(move |steps| Program {
            options,
            threads,
            steps,
        })
    })
}
