//! The callsites of the programs: spans, fields that are recorded later, and events.

use std::error::Error;
use std::fmt;

use tracing::span::Id;
use tracing::{Level, Span, event, field, span};

use crate::program::{Code, EventSite, Late, Site, Values};

/// An error with a source.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    source: Option<Box<Failure>>,
}

impl Failure {
    /// Makes an error with two sources.
    pub(crate) fn new(text: &str) -> Self {
        ["deepest", "source"].iter().fold(
            Self {
                text: text.to_owned(),
                source: None,
            },
            |failure, source| {
                let source = format!("{source} {text}");
                Self {
                    text: failure.text,
                    source: Some(Box::new(Self {
                        text: source,
                        source: failure.source,
                    })),
                }
            },
        )
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl Site {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Numbers => "numbers",
            Self::Texts => "texts",
            Self::Failed => "failed",
            Self::Named => "named",
            Self::NotTexts => "not texts",
            Self::Hidden => "hidden",
            Self::Quiet => "quiet",
            Self::Function => "function",
            Self::OwnCrate => "own crate",
        }
    }
}

impl Code {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Error => "Error",
            Self::Unknown => "maybe",
        }
    }
}

/// Makes a span at a callsite. The parent is `None` for the current span, and `Some(None)` for a root.
macro_rules! make {
    ($parent:expr, $target:expr, $level:ident, $name:literal, $($fields:tt)*) => {
        match $parent {
            None => span!(target: $target, Level::$level, $name, $($fields)*),
            Some(id) => span!(target: $target, parent: id, Level::$level, $name, $($fields)*),
        }
    };
}

const HERE: &str = module_path!();

/// Makes a span. `n` is its number.
pub(crate) fn make(site: Site, n: i64, parent: Option<Option<Id>>, values: &Values) -> Span {
    let Values {
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
    } = values;
    let code = code.map(Code::text);
    let description = description.as_deref();
    let failure = Failure::new(text);
    let error: &(dyn Error + 'static) = &failure;
    match site {
        Site::Plain => make!(
            parent,
            HERE,
            INFO,
            "plain",
            n,
            integer = field::Empty,
            unsigned = field::Empty,
            float = field::Empty,
            text = field::Empty,
            error = field::Empty,
            otel.name = field::Empty,
            otel.kind = field::Empty,
            otel.status_code = field::Empty,
            otel.status_description = field::Empty,
        ),
        Site::Numbers => make!(
            parent,
            HERE,
            INFO,
            "numbers",
            n,
            integer,
            unsigned,
            wide,
            wide_unsigned,
            float,
            flag,
            option
        ),
        Site::Texts => make!(
            parent,
            HERE,
            WARN,
            "texts",
            n,
            text,
            shown = %text,
            debug = ?text,
            bytes = &bytes[..],
            r#type = text
        ),
        Site::Failed => {
            make!(
                parent,
                HERE,
                ERROR,
                "failed",
                n,
                error,
                cause = error,
                shown = %error
            )
        }
        Site::Named => make!(
            parent,
            HERE,
            INFO,
            "named",
            n,
            otel.name = text,
            otel.kind = kind,
            otel.status_code = code,
            otel.status_description = description,
        ),
        Site::NotTexts => make!(
            parent,
            HERE,
            INFO,
            "not texts",
            n,
            otel.name = integer,
            otel.kind = flag,
            text = field::Empty
        ),
        Site::Hidden => make!(
            parent,
            HERE,
            DEBUG,
            "hidden",
            n,
            text,
            otel.name = field::Empty
        ),
        Site::Quiet => make!(
            parent,
            HERE,
            INFO,
            "quiet",
            n,
            quiet = true,
            integer = field::Empty,
            otel.name = field::Empty
        ),
        Site::Function => make!(
            parent,
            HERE,
            INFO,
            "function",
            n,
            code.function.name = text,
            otel.kind = %kind
        ),
        Site::OwnCrate => make!(parent, "otel_reqwest::send", INFO, "own crate", n, integer),
    }
}

impl Late {
    /// Returns the name of the field.
    pub(crate) fn field(&self) -> &'static str {
        match self {
            Self::Integer(_) => "integer",
            Self::Unsigned(_) => "unsigned",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::Error(_) => "error",
            Self::Name(_) | Self::NameNumber(_) => "otel.name",
            Self::Kind(_) => "otel.kind",
            Self::Code(_) => "otel.status_code",
            Self::Description(_) => "otel.status_description",
        }
    }

    pub(crate) fn record(&self, span: &Span) {
        let name = self.field();
        match self {
            Self::Integer(value) | Self::NameNumber(value) => span.record(name, value),
            Self::Unsigned(value) => span.record(name, value),
            Self::Float(value) => span.record(name, value),
            Self::Text(value) | Self::Name(value) => span.record(name, value),
            Self::Error(text) => {
                let failure = Failure::new(text);
                let error: &(dyn Error + 'static) = &failure;
                span.record(name, error)
            }
            Self::Kind(value) => span.record(name, value),
            Self::Code(code) => span.record(name, field::display(code.text())),
            Self::Description(value) => span.record(name, field::display(value)),
        };
    }
}

/// Makes an event. The parent is `None` for the current span.
macro_rules! send {
    ($parent:expr, $target:expr, $level:ident, $($fields:tt)*) => {
        match $parent {
            None => event!(target: $target, Level::$level, $($fields)*),
            Some(id) => event!(target: $target, parent: id, Level::$level, $($fields)*),
        }
    };
}

/// The text of an error that is recorded as a string, which sorts before all letters with and without quotes.
pub(crate) fn str_error(text: &str) -> String {
    format!("!{text}")
}

/// Makes an event. `n` is its number.
pub(crate) fn send(site: EventSite, n: i64, parent: Option<Option<Id>>, text: &str) {
    let failure = Failure::new(text);
    let error: &(dyn Error + 'static) = &failure;
    let string = str_error(text);
    let string = string.as_str();
    match site {
        EventSite::Info => send!(parent, HERE, INFO, n, unsigned = 7_u64, text, "{text} info"),
        EventSite::Error => send!(parent, HERE, ERROR, n, float = f64::NAN, "{text} error"),
        EventSite::ErrorWithoutMessage => send!(parent, HERE, ERROR, n, text),
        EventSite::ErrorShown => send!(parent, HERE, ERROR, n, error = %text),
        EventSite::InfoShown => send!(parent, HERE, INFO, n, error = %error),
        EventSite::WarnDebug => send!(parent, HERE, WARN, n, error = ?text),
        EventSite::ErrorStr => send!(parent, HERE, ERROR, n, error = string),
        EventSite::InfoStr => send!(parent, HERE, INFO, n, error = string),
        EventSite::ErrorValue => send!(parent, HERE, ERROR, n, error),
        EventSite::InfoValue => send!(parent, HERE, INFO, n, error),
        EventSite::ErrorValueAndMessage => send!(parent, HERE, ERROR, n, error, "{text} failed"),
        EventSite::InfoCauseAndMessage => {
            send!(parent, HERE, INFO, n, cause = error, "{text} because");
        }
        EventSite::ErrorTextAndMessage => {
            send!(parent, HERE, ERROR, n, error = string, "{text} text");
        }
        EventSite::InfoErrorInteger => send!(parent, HERE, INFO, n, error = 7),
        EventSite::InfoErrorFlag => send!(parent, HERE, INFO, n, error = false),
        EventSite::InfoErrorUnsigned => send!(parent, HERE, INFO, n, error = 7_u64),
        EventSite::ErrorNone => send!(parent, HERE, ERROR, n, error = None::<&str>),
        EventSite::OpenTelemetry => send!(parent, "opentelemetry_sdk", ERROR, n, "dropped"),
        EventSite::Debug => send!(parent, HERE, DEBUG, n, "hidden"),
    }
}
