//! Which exporter a signal gets.

use crate::error::SetupError;
use crate::signal::Signal;
use crate::variable;

/// Where a signal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exporter {
    /// To the OTLP endpoint.
    Otlp,
    /// To the standard output, for a look while developing. Needs the feature `console`.
    Console,
    /// Nowhere.
    None,
}

impl Exporter {
    /// Code over environment over OTLP.
    pub(crate) fn choose(signal: Signal, given: Option<Self>) -> Result<Self, SetupError> {
        let name = signal.exporter_variable();
        let choice = match given {
            Some(given) => given,
            None => match variable::read(name)? {
                None => Self::Otlp,
                Some(value) => match value.to_ascii_lowercase().as_str() {
                    "otlp" => Self::Otlp,
                    "console" => Self::Console,
                    "none" => Self::None,
                    _ => {
                        let expected = "use otlp, console or none";
                        return Err(SetupError::variable(name, value, expected));
                    }
                },
            },
        };
        if choice == Self::Console && !cfg!(feature = "console") {
            let expected = "build otel-setup with its feature `console`, or use otlp or none";
            return Err(SetupError::variable(name, "console", expected));
        }
        Ok(choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_wins_over_the_variable_wins_over_otlp() {
        let table = [
            (None, None, Exporter::Otlp),
            (None, Some(""), Exporter::Otlp),
            (None, Some("None"), Exporter::None),
            (None, Some("otlp"), Exporter::Otlp),
            (Some(Exporter::Otlp), Some("none"), Exporter::Otlp),
            (Some(Exporter::None), Some("otlp"), Exporter::None),
        ];
        for signal in [Signal::Traces, Signal::Metrics] {
            for (given, value, expected) in table {
                let choice = temp_env::with_vars([(signal.exporter_variable(), value)], || {
                    Exporter::choose(signal, given)
                });
                assert_eq!(choice.unwrap(), expected, "{value:?}");
            }
        }
    }

    #[test]
    fn what_is_not_built_in_is_an_error_that_says_what_is() {
        let table = [
            (Signal::Traces, "zipkin", "otlp, console or none"),
            (Signal::Traces, "otlp,console", "otlp, console or none"),
            (Signal::Metrics, "prometheus", "otlp, console or none"),
            #[cfg(not(feature = "console"))]
            (Signal::Traces, "console", "feature `console`"),
        ];
        for (signal, value, advice) in table {
            let error = temp_env::with_vars([(signal.exporter_variable(), Some(value))], || {
                Exporter::choose(signal, None)
            });
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with(signal.exporter_variable()), "{error}");
            assert!(error.contains(advice), "{error}");
        }
    }
}
