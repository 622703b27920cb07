//! What all lines of one layer have in common, made ready to be copied.

use tracing_core::Level;

use crate::{
    callsites::Callsites,
    config::Config,
    format::{Key, LocationForm, Timestamp, TraceForm},
    json,
    names::ReservedNames,
    plan::{Plan, Treatment},
};

/// Keys with their punctuation, the values that never change, and the decisions for callsites.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) config: Config,
    pub(crate) timestamp: Option<Box<[u8]>>,
    levels: [Box<[u8]>; 5],
    pub(crate) target: Option<Box<[u8]>>,
    message: Box<[u8]>,
    /// The constant members, and the fixed fields that the application gave.
    pub(crate) fixed: Box<[u8]>,
    pub(crate) trace_id: Option<Box<[u8]>>,
    pub(crate) span_id: Option<Box<[u8]>>,
    pub(crate) trace_flags: Option<Box<[u8]>>,
    reserved: ReservedNames,
    pub(crate) events: Callsites<Plan>,
    pub(crate) spans: Callsites<Plan>,
}

impl Template {
    pub(crate) fn new(config: Config) -> Self {
        let format = &config.format;
        let mut reserved = ReservedNames::default();
        format.names().for_each(|name| reserved.reserve(name));
        config
            .extra
            .iter()
            .flat_map(|extra| extra.names())
            .for_each(|name| reserved.reserve(name));
        let key = |key| format.name_of(key).map(|name| member(name).into());
        let level = |level| {
            let mut out = format.name_of(Key::Level).map(member).unwrap_or_default();
            if !out.is_empty() {
                json::string(&mut out, format.level(level), usize::MAX);
            }
            out.into()
        };
        let mut fixed = Vec::new();
        for (name, value) in format.constant() {
            fixed.extend(member(name));
            json::string(&mut fixed, value, usize::MAX);
        }
        config
            .extra
            .iter()
            .for_each(|extra| extra.write_fixed(&mut fixed));
        Self {
            timestamp: key(Key::Timestamp),
            levels: [
                Level::TRACE,
                Level::DEBUG,
                Level::INFO,
                Level::WARN,
                Level::ERROR,
            ]
            .map(level),
            target: key(Key::Target),
            // A format without message still needs the event's own text somewhere: it is an ordinary field then.
            message: format
                .name_of(Key::Message)
                .map_or_else(|| member("message"), member)
                .into(),
            fixed: fixed.into(),
            trace_id: key(Key::TraceId),
            span_id: key(Key::SpanId),
            trace_flags: key(Key::TraceFlags),
            reserved,
            events: Callsites::new(),
            spans: Callsites::new(),
            config,
        }
    }

    /// `,"level":"INFO"`.
    pub(crate) fn level(&self, level: Level) -> &[u8] {
        let [trace, debug, info, warn, error] = &self.levels;
        match level {
            Level::TRACE => trace,
            Level::DEBUG => debug,
            Level::INFO => info,
            Level::WARN => warn,
            Level::ERROR => error,
        }
    }

    pub(crate) fn message_key(&self) -> Vec<u8> {
        self.message.to_vec()
    }

    /// The key of a user's field. In an object of fields no name is taken.
    pub(crate) fn field_key(&self, name: &str) -> Vec<u8> {
        if self.config.nested {
            return member(name);
        }
        member(&format!("{}{name}", self.reserved.prefix(name)))
    }

    pub(crate) fn treatment(&self, name: &str) -> Treatment {
        if self.config.secrets.contains(name) {
            Treatment::Redact
        } else {
            Treatment::Write
        }
    }

    pub(crate) fn time_form(&self) -> Timestamp {
        self.config.format.time_form()
    }

    pub(crate) fn trace_form(&self) -> &TraceForm {
        self.config.format.trace_form()
    }

    pub(crate) fn location_form(&self) -> LocationForm {
        self.config.format.location_form()
    }
}

/// `,"name":`
pub(crate) fn member(name: &str) -> Vec<u8> {
    let mut out = vec![b','];
    json::string(&mut out, name, usize::MAX);
    out.push(b':');
    out
}
