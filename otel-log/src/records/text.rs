//! Texts of log records: cut at their limit, and safe from a `Debug` that fails.

use std::{
    error::Error,
    fmt::{self, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
};

use crate::json::{self, CUT, FAILED, MAX_SOURCES, PANICKED};

/// A text of its own, cut after `limit` bytes at the end of a character.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    [json::start_of(text, limit), CUT].concat()
}

/// The text of a value that formats itself; the code of its type may fail or panic and costs no more than the text.
pub(super) fn formatted(value: fmt::Arguments<'_>, limit: usize) -> String {
    let mut out = Cutter {
        // Most messages fit, and grow no buffer piece by piece.
        text: String::with_capacity(limit.min(64)),
        limit,
        is_cut: false,
    };
    let result = catch_unwind(AssertUnwindSafe(|| out.write_fmt(value)));
    match result {
        Err(_) => PANICKED.to_owned(),
        Ok(_) if out.is_cut => out.text + CUT,
        Ok(Ok(())) => out.text,
        Ok(Err(fmt::Error)) => FAILED.to_owned(),
    }
}

/// An error and its sources, outermost first, which have `limit` bytes together.
pub(super) fn chain(error: &(dyn Error + 'static), limit: usize) -> Vec<String> {
    let mut chain = Vec::new();
    let mut left = limit;
    let mut next = Some(error);
    while let Some(error) = next.filter(|_| left > 0 && chain.len() < MAX_SOURCES) {
        let text = formatted(format_args!("{error}"), left);
        left = left.saturating_sub(text.len());
        chain.push(text);
        next = json::source(error);
    }
    chain
}

struct Cutter {
    text: String,
    limit: usize,
    is_cut: bool,
}

impl fmt::Write for Cutter {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let left = self.limit.saturating_sub(self.text.len());
        if text.len() <= left && !self.is_cut {
            self.text.push_str(text);
            return Ok(());
        }
        if !self.is_cut {
            self.text.push_str(json::start_of(text, left));
            self.is_cut = true;
        }
        // Ends the formatting: what follows is not wanted.
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("grün", 4), "grün"[..4].to_owned() + CUT);
        assert_eq!(cut("grün", 3), format!("gr{CUT}"));
        assert_eq!(cut("grün", 5), "grün");
        for (limit, expected) in [(3, format!("gr{CUT}")), (5, "grün".to_owned())] {
            // Not literals, which the compiler would join.
            let parts = ["gr", "ün"].map(String::from);
            let [start, end] = &parts;
            assert_eq!(formatted(format_args!("{start}{end}"), limit), expected);
        }
    }

    #[test]
    fn a_value_that_goes_on_after_the_cut_adds_nothing_to_it() {
        struct Deaf;

        impl fmt::Display for Deaf {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for part in ["gr", "ün", "x"] {
                    let _ = f.write_str(part);
                }
                Ok(())
            }
        }

        assert_eq!(formatted(format_args!("{Deaf}"), 3), format!("gr{CUT}"));
    }

    #[test]
    fn an_error_that_is_its_own_source_has_an_end() {
        #[derive(Debug)]
        struct Endless;

        impl fmt::Display for Endless {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("again")
            }
        }

        impl Error for Endless {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(self)
            }
        }

        assert_eq!(chain(&Endless, usize::MAX).len(), MAX_SOURCES);
        assert_eq!(chain(&Endless, 7), ["again".to_owned(), format!("ag{CUT}")]);
    }
}
