//! Numbers and times.

use std::borrow::Cow;
use std::time::Duration;

use super::value_type::{Invalid, ValueType};

/// How many items a queue or a batch has. The SDK reserves the memory of the whole queue at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) usize);

const MAX_COUNT: usize = 1_000_000;

impl From<usize> for Count {
    fn from(count: usize) -> Self {
        Self(count.clamp(1, MAX_COUNT))
    }
}

impl ValueType for Count {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        match whole_number(text)? {
            count if (1..=MAX_COUNT).contains(&count) => Ok(Self(count)),
            _ => Err(Invalid::new(format!(
                "use a number above 0 and up to {MAX_COUNT}"
            ))),
        }
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Owned(self.0.to_string())
    }
}

/// The most attributes, characters, events or links. Zero is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit(pub(crate) usize);

impl ValueType for Limit {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        whole_number(text).map(Self)
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Owned(self.0.to_string())
    }
}

/// The time between two exports, in milliseconds. An export without a pause in between would occupy a processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delay(pub(crate) Duration);

impl From<Duration> for Delay {
    fn from(time: Duration) -> Self {
        Self(time.max(Duration::from_millis(1)))
    }
}

impl ValueType for Delay {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        match text.parse() {
            Ok(milliseconds) if milliseconds > 0 => Ok(Self(Duration::from_millis(milliseconds))),
            _ => Err(Invalid::new("use a number of milliseconds, more than 0")),
        }
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Owned(self.0.as_millis().to_string())
    }
}

/// The longest time of something, in milliseconds. Zero means no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timeout(pub(crate) Duration);

impl Timeout {
    /// The specification proposes this time, 24 days, as "no limit". Timers take it without an overflow.
    pub(crate) const NONE: Self = Self(Duration::from_millis(i32::MAX as u64));
}

impl From<Duration> for Timeout {
    fn from(time: Duration) -> Self {
        if time.is_zero() {
            Self::NONE
        } else {
            Self(time.min(Self::NONE.0))
        }
    }
}

impl ValueType for Timeout {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        match text.parse() {
            Ok(milliseconds) => Ok(Duration::from_millis(milliseconds).into()),
            Err(_) => Err(Invalid::new(
                "use a number of milliseconds, or 0 for no limit",
            )),
        }
    }

    fn shown(&self) -> Cow<'static, str> {
        if *self == Self::NONE {
            Cow::Borrowed("no limit")
        } else {
            Cow::Owned(self.0.as_millis().to_string())
        }
    }
}

/// A sampling probability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio(pub(crate) f64);

impl ValueType for Ratio {
    fn parse(text: &str) -> Result<Self, Invalid<Self>> {
        match text.parse() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(Self(ratio)),
            _ => Err(Invalid::new("use a ratio from 0.0 to 1.0")),
        }
    }

    fn shown(&self) -> Cow<'static, str> {
        Cow::Owned(format!("{:?}", self.0))
    }
}

fn whole_number<T>(text: &str) -> Result<usize, Invalid<T>> {
    text.parse().map_err(|_| Invalid::new("use a whole number"))
}
