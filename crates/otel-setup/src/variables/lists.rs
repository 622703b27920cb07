//! Lists that are separated by commas.

use std::borrow::Cow;

use opentelemetry::KeyValue;
use otel_core::limits;
use otel_core::propagation::CompositePropagator;
use otel_core::redact::{self, Secrets};

use super::value_type::{Invalid, ValueType};
use crate::export::Exporter;
use crate::lines::LineFilter;

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
}

/// The exporters of a signal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Exporters {
    pub(crate) otlp: bool,
    pub(crate) console: bool,
}

impl Exporters {
    pub(crate) const OTLP: Self = Self {
        otlp: true,
        console: false,
    };
    pub(crate) const NONE: Self = Self {
        otlp: false,
        console: false,
    };
}

impl From<Exporter> for Exporters {
    fn from(exporter: Exporter) -> Self {
        Self {
            otlp: exporter == Exporter::Otlp,
            console: exporter == Exporter::Console,
        }
    }
}

const EXPORTERS: &str = "use otlp, console or none";

impl ValueType for Exporters {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        let mut found = Self::NONE;
        let mut is_none = false;
        let mut problem = None;
        if parts(text).next().is_none() {
            return Err(Invalid::new(EXPORTERS));
        }
        for part in parts(text) {
            match part.to_ascii_lowercase().as_str() {
                "otlp" => found.otlp = true,
                "console" if cfg!(feature = "console") => found.console = true,
                "console" => {
                    problem =
                        Some("build otel-setup with its feature `console`, or use otlp or none");
                }
                "none" => is_none = true,
                _ => problem = Some(EXPORTERS),
            }
        }
        if is_none && found != Self::NONE {
            problem = Some("none cannot be combined with other exporters");
        }
        match problem {
            None => Ok(found),
            Some(problem) => Err(Invalid::new(problem).with_usable(found)),
        }
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Borrowed(match (self.otlp, self.console) {
            (true, true) => "otlp,console",
            (true, false) => "otlp",
            (false, true) => "console",
            (false, false) => "none",
        })
    }
}

/// The exporters of log records, which need the feature `logs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LogExporters(pub(crate) Exporters);

#[cfg(feature = "logs")]
impl From<Exporters> for LogExporters {
    fn from(exporters: Exporters) -> Self {
        Self(exporters)
    }
}

#[cfg(feature = "logs")]
impl From<LogExporters> for Exporters {
    fn from(exporters: LogExporters) -> Self {
        exporters.0
    }
}

impl ValueType for LogExporters {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        let parsed = Exporters::parse(text);
        if cfg!(feature = "logs") || parsed.as_ref().is_ok_and(|it| *it == Exporters::NONE) {
            return parsed.map(Self).map_err(|invalid| invalid.map(Self));
        }
        let expected =
            "build otel-setup with its feature `logs`, or use none; log lines are written anyway";
        Err(Invalid::new(expected).with_usable(Self(Exporters::NONE)))
    }

    fn shown(&self) -> Cow<'static, str> {
        self.0.shown()
    }
}

/// The most bytes of a name in a message.
const MAX_NAME: usize = 64;

/// Names of propagators, all of them known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PropagatorNames(String);

impl PropagatorNames {
    pub(crate) fn propagator(&self) -> CompositePropagator {
        self.0.parse().unwrap_or_default()
    }
}

impl Default for PropagatorNames {
    fn default() -> Self {
        Self("tracecontext,baggage".to_owned())
    }
}

impl ValueType for PropagatorNames {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        let mut names: Vec<&str> = Vec::new();
        for name in parts(text).map(|name| limits::cut(name, MAX_NAME)) {
            if !names.iter().any(|it| it.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Err(Invalid::new("use a list such as tracecontext,baggage"));
        }
        let Err(error) = names.join(",").parse::<CompositePropagator>() else {
            return Ok(Self(names.join(",").to_ascii_lowercase()));
        };
        let error = error.to_string();
        let expected = error
            .split_once(": ")
            .map_or(&*error, |(_, expected)| expected);
        let invalid = Invalid::new(expected.to_owned());
        names.retain(|name| {
            !name.eq_ignore_ascii_case("none") && name.parse::<CompositePropagator>().is_ok()
        });
        if names.is_empty() {
            return Err(invalid);
        }
        Err(invalid.with_usable(Self(names.join(",").to_ascii_lowercase())))
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Owned(self.0.clone())
    }
}

/// `key=value,key=value`, percent-encoded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Attributes(pub(crate) Vec<KeyValue>);

impl ValueType for Attributes {
    /// The specification: if one part is invalid, the whole value is discarded.
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        let attributes: Option<Vec<_>> = parts(text).map(attribute).collect();
        attributes
            .map(Self)
            .ok_or_else(|| Invalid::new("use a list such as team=shop,zone=b"))
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Borrowed("")
    }

    fn shown_text<'a>(text: &'a str, secrets: &Secrets) -> Cow<'a, str> {
        let mut is_secret = false;
        let shown = text.split(',').map(|part| {
            let Some((key, _)) = part.split_once('=') else {
                // A comma in a value must be percent-encoded. If it is not, this may be the rest of a secret.
                return Cow::Borrowed(if is_secret { redact::REDACTED } else { part });
            };
            let decoded = percent_decoded(key.trim()).unwrap_or_else(|| key.to_owned());
            is_secret = secrets.is_secret(&decoded);
            if is_secret {
                Cow::Owned(format!("{key}={}", redact::REDACTED))
            } else {
                Cow::Borrowed(part)
            }
        });
        let shown = shown.collect::<Vec<_>>().join(",");
        Cow::Owned(secrets.text(&shown).into_owned())
    }
}

fn attribute(part: &str) -> Option<KeyValue> {
    let (key, value) = part.split_once('=')?;
    let key = percent_decoded(key.trim())?;
    let value = percent_decoded(value.trim())?;
    (!key.is_empty()).then(|| KeyValue::new(key, value))
}

/// Returns `None` if the bytes are not valid UTF-8.
pub(crate) fn percent_decoded(value: &str) -> Option<String> {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(value).collect();
    String::from_utf8(bytes).ok()
}

/// Directives of a filter of log lines, such as `info,shop=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directives(pub(crate) String);

impl ValueType for Directives {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        if LineFilter::is_valid(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid::new(
                "use directives such as info or warn,my_crate=debug",
            ))
        }
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Owned(self.0.clone())
    }
}
