//! What a program has said about a span, whatever the layer has made of it.

use opentelemetry::trace::Status;

use crate::callsites::str_error;
use crate::program::{Code, EventSite, Late, Options, Site, Values};

/// What a program has said about a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct History {
    /// `None` for spans of the OpenTelemetry API.
    pub(crate) site: Option<Site>,
    /// Whether the span has started: it was entered, or something has asked for its context.
    pub(crate) has_started: bool,
    /// All values of `otel.name`.
    pub(crate) names: Vec<String>,
    /// Whether the last name came after the start.
    pub(crate) is_renamed: bool,
    /// The last value of `otel.kind` before the start.
    pub(crate) kind: Option<String>,
    /// The last error that was recorded as a value: before the start as a field or in an event, and after the start.
    field_error: Option<String>,
    event_error: Option<String>,
    late_error: Option<String>,
    /// The events, by their number.
    pub(crate) events: Vec<(usize, EventSite)>,
    /// Whether the parent is an unsampled span of this process.
    pub(crate) is_unsampled: bool,
    /// The first step that called the extension trait on the span, or sent it an event or a link.
    pub(crate) first_change: Option<usize>,
    early: Vec<(Origin, Status)>,
    late: Vec<Status>,
    /// An event sets the status under one of the layers only.
    has_special_event: bool,
}

/// Who says a status.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    Field,
    Event,
    Call,
}

impl History {
    pub(crate) fn new(site: Site, values: &Values) -> Self {
        let mut new = Self {
            site: Some(site),
            ..Self::default()
        };
        match site {
            Site::Named => {
                new.add_name(&values.text);
                new.kind = Some(values.kind.to_owned());
                if let Some(code) = values.code {
                    new.add_status(Origin::Field, status(code));
                }
                if let Some(description) = &values.description {
                    new.add_status(Origin::Field, Status::error(description.clone()));
                }
            }
            Site::NotTexts => {
                new.add_name(&values.integer.to_string());
                new.kind = Some(values.flag.to_string());
            }
            Site::Failed => new.field_error = Some(values.text.clone()),
            Site::Function => new.kind = Some(values.kind.to_owned()),
            _ => {}
        }
        new
    }

    pub(crate) fn add_record(&mut self, late: &Late) {
        match late {
            Late::Name(name) => self.add_name(name),
            Late::NameNumber(name) => self.add_name(&name.to_string()),
            Late::Kind(kind) if !self.has_started => self.kind = Some((*kind).to_owned()),
            Late::Code(code) => self.add_status(Origin::Field, status(*code)),
            Late::Description(text) => {
                self.add_status(Origin::Field, Status::error(text.clone()));
            }
            Late::Error(text) if self.has_started => self.late_error = Some(text.clone()),
            Late::Error(text) => self.field_error = Some(text.clone()),
            _ => {}
        }
    }

    fn add_name(&mut self, name: &str) {
        self.names.push(name.to_owned());
        self.is_renamed = self.has_started;
    }

    pub(crate) fn add_call(&mut self, code: Code) {
        self.add_status(Origin::Call, status(code));
    }

    pub(crate) fn set_changed(&mut self, n: usize) {
        self.first_change.get_or_insert(n);
    }

    fn add_status(&mut self, origin: Origin, status: Status) {
        if self.has_started {
            self.late.push(status);
        } else {
            self.early.push((origin, status));
        }
    }

    pub(crate) fn add_event(&mut self, n: usize, site: EventSite, text: &str, options: &Options) {
        self.events.push((n, site));
        if site.reaches_layer(options) {
            self.set_changed(n);
        }
        self.has_special_event |= matches!(
            site,
            EventSite::OpenTelemetry | EventSite::ErrorValue | EventSite::InfoValue
        );
        let description = site.description(text).filter(|_| options.error_fields);
        if let Some(description) = description {
            self.add_status(Origin::Event, Status::error(description));
        } else if site.is_error() {
            self.add_status(Origin::Event, Status::error(""));
        }
        if site.has_error_value() && site.reaches_layer(options) {
            let error = if self.has_started {
                &mut self.late_error
            } else {
                &mut self.event_error
            };
            *error = Some(text.to_owned());
        }
    }

    /// Whether the rules of otel-tracing for `exception.message` matter.
    pub(crate) fn decides_exception(&self) -> bool {
        self.events.iter().any(|(_, site)| site.has_error_value())
    }

    /// Returns the `exception.message` under otel-tracing. Before the start, the errors of events count more than fields.
    pub(crate) fn exception(&self) -> Option<&String> {
        let late = self.late_error.as_ref();
        late.or(self.event_error.as_ref())
            .or(self.field_error.as_ref())
    }

    /// Whether the rules of otel-tracing for the status matter.
    pub(crate) fn decides_status(&self) -> bool {
        // Of two errors the SDK keeps the one whose description is greater, and tracing-opentelemetry's are quoted.
        self.has_special_event || self.early.len() + self.late.len() > 1
    }

    /// Returns the status under otel-tracing.
    ///
    /// Before the start, a call counts more than fields and events, the last field more than other fields, and of the events and
    /// the field the SDK's order decides: Ok over Error over Unset. After the start, the SDK's order decides.
    pub(crate) fn status(&self) -> Status {
        let early = |wanted: Origin| {
            let all = self
                .early
                .iter()
                .filter(move |(origin, _)| *origin == wanted);
            all.map(|(_, status)| status.clone())
        };
        let said = match early(Origin::Call).next_back() {
            None | Some(Status::Unset) => {
                let field = early(Origin::Field).next_back().unwrap_or_default();
                early(Origin::Event).fold(field, greater)
            }
            Some(call) => call,
        };
        self.late.iter().cloned().fold(said, greater)
    }
}

fn greater(one: Status, other: Status) -> Status {
    if other > one { other } else { one }
}

pub(crate) fn status(code: Code) -> Status {
    match code {
        Code::Ok => Status::Ok,
        Code::Error => Status::error(""),
        Code::Unknown => Status::Unset,
    }
}

impl EventSite {
    /// The description of the status that the event's field `error` sets.
    fn description(self, text: &str) -> Option<String> {
        match self {
            Self::ErrorShown | Self::InfoShown | Self::ErrorValue | Self::InfoValue => {
                Some(text.to_owned())
            }
            Self::WarnDebug => Some(format!("{text:?}")),
            Self::ErrorStr | Self::InfoStr => Some(str_error(text)),
            Self::InfoErrorUnsigned => Some("7".to_owned()),
            _ => None,
        }
    }

    /// Whether the filter of otel-tracing enables the event.
    fn reaches_layer(self, options: &Options) -> bool {
        let has_error = !matches!(
            self,
            Self::Info | Self::Error | Self::ErrorWithoutMessage | Self::InfoCauseAndMessage
        );
        !matches!(self, Self::OpenTelemetry | Self::Debug)
            && (options.events || self.is_error() || has_error && options.error_fields)
    }

    /// Whether the layer sees the event, and its level is ERROR.
    fn is_error(self) -> bool {
        matches!(
            self,
            Self::Error
                | Self::ErrorWithoutMessage
                | Self::ErrorShown
                | Self::ErrorStr
                | Self::ErrorValue
                | Self::ErrorValueAndMessage
                | Self::ErrorTextAndMessage
                | Self::ErrorNone
        )
    }

    fn has_error_value(self) -> bool {
        matches!(
            self,
            Self::ErrorValue
                | Self::InfoValue
                | Self::ErrorValueAndMessage
                | Self::InfoCauseAndMessage
        )
    }
}
