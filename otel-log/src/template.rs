//! What all lines of one layer have in common, made ready to be copied.

use tracing_core::Level;

use crate::{
    callsites::Callsites,
    config::{Config, Spans},
    fields::Fields,
    format::{KEYS, Key},
    json,
    names::ReservedNames,
    plan::{Plan, Treatment},
    rate_limit,
};

/// Keys with their punctuation, the values that never change, and the decisions for callsites.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) config: Config,
    keys: [Option<Box<[u8]>>; KEYS],
    /// The constant members of the format, and the fixed fields that the application gave.
    pub(crate) fixed: Box<[u8]>,
    /// The fields that are asked for with each line, each with its keys.
    pub(crate) extra: Vec<(Fields, Vec<Box<[u8]>>)>,
    /// The names that the line has, and those that an object of a list of spans has.
    reserved: ReservedNames,
    reserved_in_list: ReservedNames,
    pub(crate) events: Callsites<Plan>,
    pub(crate) spans: Callsites<Plan>,
    /// For records of the `log` crate, which share one callsite.
    pub(crate) log_rates: rate_limit::Places,
}

impl Template {
    pub(crate) fn new(mut config: Config) -> Self {
        if config.pretty {
            config.nested = false;
            if config.spans == Spans::List {
                config.spans = Spans::Merged;
            }
        }
        // Escaped, a byte can take six: so the message alone never fills the line.
        config.value_limit = config.value_limit.min(config.line_limit / 8);
        let style = Style::of(&config);
        let mut reserved = ReservedNames::default();
        let keys = Key::ALL.map(|key| {
            let name = config.format.name_of(key)?;
            reserved.reserve_once(name).then(|| style.key(name).into())
        });
        let mut fixed = Vec::new();
        for (name, value) in config.format.constant() {
            if reserved.reserve_once(name) {
                fixed.extend(style.key(name));
                json::string(&mut fixed, value, usize::MAX);
            }
        }
        let mut extra = Vec::new();
        for fields in &config.extra {
            let keys = fields.names().into_iter().map(|name| {
                let name = reserved.free(name);
                reserved.reserve_once(&name);
                style.key(&name).into()
            });
            let keys: Vec<Box<[u8]>> = keys.collect();
            match (fields.fixed_value(), keys.first()) {
                (Some(value), Some(key)) => {
                    fixed.extend_from_slice(key);
                    json::string(&mut fixed, value, usize::MAX);
                }
                _ => extra.push((fields.clone(), keys)),
            }
        }
        let mut reserved_in_list = ReservedNames::default();
        reserved_in_list.reserve_once("name");
        Self {
            keys,
            fixed: fixed.into(),
            extra,
            reserved,
            reserved_in_list,
            events: Callsites::new(),
            spans: Callsites::new(),
            log_rates: rate_limit::Places::default(),
            config,
        }
    }

    /// The key with its punctuation; `None` where the format leaves it out.
    pub(crate) fn key(&self, key: Key) -> Option<&[u8]> {
        self.keys.get(key as usize)?.as_deref()
    }

    /// `,"level":"INFO","target":"shop"`; text for people has these elsewhere.
    pub(crate) fn head(&self, level: Level, target: &str) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(key) = self.key(Key::Level) {
            out.extend_from_slice(key);
            json::string(&mut out, self.config.format.level(level), usize::MAX);
        }
        if !self.config.format.target_is_last() {
            self.write_target(&mut out, target);
        }
        out
    }

    pub(crate) fn write_target(&self, out: &mut Vec<u8>, target: &str) {
        if let Some(key) = self.key(Key::Target) {
            out.extend_from_slice(key);
            json::string(out, target, self.config.value_limit);
        }
    }

    /// The key of an event's field. In an object of fields no name is taken.
    pub(crate) fn event_key(&self, name: &str) -> Vec<u8> {
        if self.config.nested {
            return self.style().key(name);
        }
        self.style().key(&self.reserved.free(name))
    }

    /// The key of a span's field: beside the line's own, in an object of fields, or in an object of a list.
    pub(crate) fn span_key(&self, name: &str) -> Vec<u8> {
        if self.config.spans == Spans::List {
            return self.style().key(&self.reserved_in_list.free(name));
        }
        self.event_key(name)
    }

    pub(crate) fn treatment(&self, name: &str) -> Treatment {
        if self.config.secrets.contains(name) {
            Treatment::Redact
        } else {
            Treatment::Write
        }
    }

    fn style(&self) -> Style {
        Style::of(&self.config)
    }
}

/// How a key is written.
#[derive(Clone, Copy)]
enum Style {
    /// A member of an object, `,"name":`.
    Json,
    /// ` name=`, dimmed where the line has colours.
    Text { color: bool },
}

impl Style {
    fn of(config: &Config) -> Self {
        let color = config.color;
        if config.pretty {
            Self::Text { color }
        } else {
            Self::Json
        }
    }

    fn key(self, name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Json => {
                out.push(b',');
                json::string(&mut out, name, usize::MAX);
                out.push(b':');
            }
            Self::Text { color } => {
                let (dim, plain) = if color { (DIM, PLAIN) } else { ("", "") };
                out.extend_from_slice(format!("{dim} ").as_bytes());
                json::text(&mut out, name);
                out.extend_from_slice(format!("={plain}").as_bytes());
            }
        }
        out
    }
}

pub(crate) const DIM: &str = "\x1b[2m";
pub(crate) const PLAIN: &str = "\x1b[0m";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, fields};

    fn key(key: Option<&[u8]>) -> Option<String> {
        key.map(|key| String::from_utf8_lossy(key).into_owned())
    }

    #[test]
    fn no_name_is_given_twice() {
        let template = Template::new(Config {
            format: Format::elastic().name(Key::Target, "log.level"),
            extra: vec![
                fields::fixed("message", "1"),
                fields::fixed("message", "2"),
                fields::fixed("ecs.version", "3"),
                fields::baggage(["trace.id", "tenant", "tenant"]),
            ],
            ..Config::default()
        });
        assert_eq!(
            key(template.key(Key::Level)).as_deref(),
            Some(",\"log.level\":")
        );
        assert_eq!(template.key(Key::Target), None);
        assert_eq!(
            String::from_utf8_lossy(&template.fixed),
            r#","ecs.version":"8.11.0","field.message":"1","field.field.message":"2","field.ecs.version":"3""#
        );
        let [(_, keys)] = &template.extra[..] else {
            panic!("{:?}", template.extra);
        };
        let keys: Vec<_> = keys.iter().filter_map(|it| key(Some(it))).collect();
        assert_eq!(
            keys,
            [
                r#","field.trace.id":"#,
                r#","tenant":"#,
                r#","field.tenant":"#
            ]
        );
        // and whatever the application's fields are called, they take none of these
        assert_eq!(template.event_key("tenant"), b",\"field.field.tenant\":");
    }
}
