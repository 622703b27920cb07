//! The keys of a line, with their punctuation, ready to be copied.

use tracing_core::Level;

use crate::{
    config::{Config, Spans},
    format::{KEYS, Key},
    json,
    names::ReservedNames,
};

/// The keys that the line itself writes, and the rules for the keys of fields.
#[derive(Debug)]
pub(crate) struct Keys {
    own: [Option<Box<[u8]>>; KEYS],
    style: KeyStyle,
    /// The names that no field of an event or span can have.
    reserved: ReservedNames,
    /// The same for fields in an object of the list of spans.
    reserved_in_list: ReservedNames,
    is_nested: bool,
    is_list: bool,
}

impl Keys {
    /// Takes the format's names. If two keys have the same name, only the first of the two is written.
    pub(crate) fn new(config: &Config) -> Self {
        let style = KeyStyle::new(config);
        let mut reserved = ReservedNames::default();
        let own = config.format.names.each_ref().map(|name| {
            let name = name.as_deref()?;
            reserved.reserve(name).then(|| style.key(name))
        });
        let mut reserved_in_list = ReservedNames::default();
        reserved_in_list.reserve("name");
        Self {
            own,
            style,
            reserved,
            reserved_in_list,
            is_nested: config.nested,
            is_list: config.spans == Spans::List,
        }
    }

    /// Reserves a name for the line and returns its key, or `None` if the name is taken.
    pub(crate) fn reserve(&mut self, name: &str) -> Option<Box<[u8]>> {
        self.reserved.reserve(name).then(|| self.style.key(name))
    }

    /// Reserves a name for the line and returns its key. A name that is taken gets `field.` in front.
    pub(crate) fn reserve_free(&mut self, name: &str) -> Box<[u8]> {
        let name = self.reserved.free(name);
        self.reserved.reserve(&name);
        self.style.key(&name)
    }

    /// Returns one of the line's own keys, or `None` if the format leaves it out.
    pub(crate) fn get(&self, key: Key) -> Option<&[u8]> {
        self.own.get(key as usize)?.as_deref()
    }

    /// Returns the key of an event's field. In an object of fields no name is taken.
    pub(crate) fn event_key(&self, name: &str) -> Box<[u8]> {
        if self.is_nested {
            self.style.key(name)
        } else {
            self.style.key(&self.reserved.free(name))
        }
    }

    /// Returns the key of a span's field: in the list of spans, or where the event's fields are.
    pub(crate) fn span_key(&self, name: &str) -> Box<[u8]> {
        if self.is_list {
            self.style.key(&self.reserved_in_list.free(name))
        } else {
            self.event_key(name)
        }
    }

    /// Appends level and target: `,"level":"INFO","target":"shop"`.
    pub(crate) fn write_head(
        &self,
        out: &mut Vec<u8>,
        config: &Config,
        level: Level,
        target: &str,
    ) {
        if let Some(key) = self.get(Key::Level) {
            out.extend_from_slice(key);
            json::string(out, config.format.level(level), usize::MAX);
        }
        if !config.format.is_target_last {
            self.write_target(out, config, target);
        }
    }

    pub(crate) fn write_target(&self, out: &mut Vec<u8>, config: &Config, target: &str) {
        if let Some(key) = self.get(Key::Target) {
            out.extend_from_slice(key);
            json::string(out, target, config.value_limit);
        }
    }
}

/// The form of a key.
#[derive(Debug, Clone, Copy)]
enum KeyStyle {
    /// The start of a JSON member: `,"name":`.
    Json,
    /// ` name=`, dimmed if the line has colors.
    Text { color: bool },
}

impl KeyStyle {
    fn new(config: &Config) -> Self {
        if config.pretty {
            Self::Text {
                color: config.color,
            }
        } else {
            Self::Json
        }
    }

    fn key(self, name: &str) -> Box<[u8]> {
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
                json::escaped(&mut out, name);
                out.extend_from_slice(format!("={plain}").as_bytes());
            }
        }
        out.into()
    }
}

/// Starts dimmed text on a terminal.
pub(crate) const DIM: &str = "\x1b[2m";
/// Ends any style on a terminal.
pub(crate) const PLAIN: &str = "\x1b[0m";
