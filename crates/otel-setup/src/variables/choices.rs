//! One value out of a list.

use std::borrow::Cow;

use opentelemetry_sdk::metrics::Temporality;
use tracing::level_filters::LevelFilter;

use super::value_type::{Invalid, ValueType};
use crate::export::{Compression, Protocol};
use crate::lines::LogFormat;

/// Finds a name in a list. The case does not matter.
fn find<T: Copy>(names: &[(&str, T)], text: &str) -> Option<T> {
    let mut names = names.iter();
    let found = names.find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, value)| *value)
}

/// The samplers of `OTEL_TRACES_SAMPLER` that the SDK has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SamplerName {
    AlwaysOn,
    AlwaysOff,
    Ratio,
    ParentBasedAlwaysOn,
    ParentBasedAlwaysOff,
    ParentBasedRatio,
}

impl SamplerName {
    const NAMES: [(&'static str, Self); 6] = [
        ("always_on", Self::AlwaysOn),
        ("always_off", Self::AlwaysOff),
        ("traceidratio", Self::Ratio),
        ("parentbased_always_on", Self::ParentBasedAlwaysOn),
        ("parentbased_always_off", Self::ParentBasedAlwaysOff),
        ("parentbased_traceidratio", Self::ParentBasedRatio),
    ];

    pub(crate) fn name(self) -> &'static str {
        let mut names = Self::NAMES.iter();
        names
            .find(|(_, value)| *value == self)
            .map_or("", |(name, _)| name)
    }
}

impl ValueType for SamplerName {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        find(&Self::NAMES, text).ok_or_else(|| {
            Invalid::new(
                "use always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or \
                 parentbased_traceidratio",
            )
        })
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }
}

/// `OTEL_LOG_LEVEL`: the level of telemetry's own log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnLevel(pub(crate) LevelFilter);

impl ValueType for OwnLevel {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        let names = [
            ("none", LevelFilter::OFF),
            ("off", LevelFilter::OFF),
            ("error", LevelFilter::ERROR),
            ("warn", LevelFilter::WARN),
            ("info", LevelFilter::INFO),
            ("debug", LevelFilter::DEBUG),
            ("trace", LevelFilter::TRACE),
        ];
        find(&names, text)
            .map(Self)
            .ok_or_else(|| Invalid::new("use none, error, warn, info, debug or trace"))
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Owned(self.0.to_string())
    }
}

impl ValueType for LogFormat {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        let names = [("pretty", Self::Pretty), ("json", Self::Json)];
        find(&names, text).ok_or_else(|| Invalid::new("use pretty or json"))
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Pretty => "pretty",
            Self::Json => "json",
        })
    }
}

impl ValueType for Temporality {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        let names = [
            ("cumulative", Self::Cumulative),
            ("delta", Self::Delta),
            ("lowmemory", Self::LowMemory),
        ];
        find(&names, text).ok_or_else(|| Invalid::new("use cumulative, delta or lowmemory"))
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Delta => "delta",
            Self::LowMemory => "lowmemory",
            _ => "cumulative",
        })
    }
}

/// The buckets of histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aggregation {
    ExplicitBuckets,
    ExponentialBuckets,
}

impl Aggregation {
    const NAMES: [(&'static str, Self); 2] = [
        ("explicit_bucket_histogram", Self::ExplicitBuckets),
        (
            "base2_exponential_bucket_histogram",
            Self::ExponentialBuckets,
        ),
    ];
}

impl ValueType for Aggregation {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        find(&Self::NAMES, text).ok_or_else(|| {
            Invalid::new("use explicit_bucket_histogram or base2_exponential_bucket_histogram")
        })
    }

    fn shown(&self) -> Cow<'static, str> {
        let [(explicit, _), (exponential, _)] = Self::NAMES;
        Cow::Borrowed(match self {
            Self::ExplicitBuckets => explicit,
            Self::ExponentialBuckets => exponential,
        })
    }
}

/// A protocol that is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wire(pub(crate) Protocol);

impl ValueType for Wire {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        if text.eq_ignore_ascii_case("http/protobuf") {
            return Ok(Self(Protocol::HttpProtobuf));
        }
        if !text.eq_ignore_ascii_case("grpc") {
            return Err(Invalid::new("use http/protobuf or grpc"));
        }
        if cfg!(feature = "grpc") {
            Ok(Self(Protocol::Grpc))
        } else {
            Err(Invalid::new(
                "build otel-setup with its feature `grpc`, or use http/protobuf",
            ))
        }
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.0.name())
    }
}

/// A compression. Over HTTP, gzip needs the feature `gzip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compressed(pub(crate) Compression);

impl ValueType for Compressed {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        let names = [("none", Compression::None), ("gzip", Compression::Gzip)];
        find(&names, text)
            .map(Self)
            .ok_or_else(|| Invalid::new("use gzip or none"))
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self.0 {
            Compression::None => "none",
            Compression::Gzip => "gzip",
        })
    }
}

/// `OTEL_METRICS_EXEMPLAR_FILTER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExemplarFilter {
    AlwaysOff,
}

impl ValueType for ExemplarFilter {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        find(&[("always_off", Self::AlwaysOff)], text).ok_or_else(|| {
            Invalid::new("the Rust SDK records no exemplars; use always_off or leave it out")
        })
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Borrowed("always_off")
    }
}
