//! Why a text is not a filter of spans.

use std::error::Error;
use std::fmt;

/// Says in one line why a text is not a [`SpanFilter`](crate::SpanFilter), and what to write instead.
#[derive(Debug, Clone)]
pub struct SpanFilterError {
    directives: String,
}

impl SpanFilterError {
    pub(crate) fn new(directives: &str) -> Self {
        Self {
            directives: directives.to_owned(),
        }
    }
}

impl fmt::Display for SpanFilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directives = &self.directives;
        write!(
            f,
            "{directives:?} is not a filter of spans: write directives such as debug or info,my_crate::sql=debug"
        )
    }
}

impl Error for SpanFilterError {}
