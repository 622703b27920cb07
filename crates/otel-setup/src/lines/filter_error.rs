//! Why a filter cannot be used.

use std::error::Error;
use std::fmt;

/// Says in one line why a filter of log lines cannot be used, and what to write instead.
#[derive(Debug, Clone)]
pub struct FilterError {
    directives: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Invalid,
    SpanDirective,
}

impl FilterError {
    pub(super) fn invalid(directives: &str) -> Self {
        Self {
            directives: directives.to_owned(),
            kind: Kind::Invalid,
        }
    }

    pub(super) fn span_directive(directives: &str) -> Self {
        Self {
            directives: directives.to_owned(),
            kind: Kind::SpanDirective,
        }
    }

    /// Returns `true` if the text is not a list of directives.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        self.kind == Kind::Invalid
    }

    /// Returns `true` if a directive selects lines by their spans, as `[request{id=7}]=debug` does, and the filter had no such
    /// directive at startup.
    #[must_use]
    pub fn is_span_directive(&self) -> bool {
        self.kind == Kind::SpanDirective
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directives = &self.directives;
        match self.kind {
            Kind::Invalid => write!(
                f,
                "{directives:?} is not a filter of log lines: write directives such as info or warn,my_crate=debug"
            ),
            Kind::SpanDirective => write!(
                f,
                "{directives:?} cannot replace the filter of log lines: directives with [...] can be set at run time only if the \
                 process starts with such a directive, for example with RUST_LOG=info,[none]=off"
            ),
        }
    }
}

impl Error for FilterError {}
