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
    /// Code over environment over OTLP, which for logs is asked for: the lines are their way, and a collector that reads
    /// them would have each twice.
    pub(crate) fn choose(signal: Signal, given: Option<Self>) -> Result<Self, SetupError> {
        let name = signal.exporter_variable();
        let choice = match given {
            Some(given) => given,
            None => match variable::read(name)? {
                None if signal == Signal::Logs => Self::None,
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
        if signal == Signal::Logs && choice != Self::None && !cfg!(feature = "logs") {
            let expected = "build otel-setup with its feature `logs`, or use none; log lines are written anyway";
            return Err(SetupError::variable(name, choice.name(), expected));
        }
        if choice == Self::Console && !cfg!(feature = "console") {
            let expected = "build otel-setup with its feature `console`, or use otlp or none";
            return Err(SetupError::variable(name, choice.name(), expected));
        }
        Ok(choice)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Otlp => "otlp",
            Self::Console => "console",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(
        signal: Signal,
        value: Option<&str>,
        given: Option<Exporter>,
    ) -> Result<Exporter, SetupError> {
        temp_env::with_var(signal.exporter_variable(), value, || {
            Exporter::choose(signal, given)
        })
    }

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
                let choice = choose(signal, value, given).unwrap();
                assert_eq!(choice, expected, "{value:?}");
            }
        }
    }

    #[test]
    #[cfg(feature = "logs")]
    fn log_records_go_nowhere_unless_asked_for() {
        let table = [
            (None, None, Exporter::None),
            (None, Some(""), Exporter::None),
            (None, Some("OTLP"), Exporter::Otlp),
            (Some(Exporter::Otlp), Some("none"), Exporter::Otlp),
            (Some(Exporter::None), Some("otlp"), Exporter::None),
        ];
        for (given, value, expected) in table {
            let choice = choose(Signal::Logs, value, given).unwrap();
            assert_eq!(choice, expected, "{value:?}");
        }
    }

    #[test]
    #[cfg(not(feature = "logs"))]
    fn log_records_need_their_feature() {
        for value in [None, Some("none")] {
            let choice = choose(Signal::Logs, value, None).unwrap();
            assert_eq!(choice, Exporter::None);
        }
        for value in ["otlp", "console"] {
            let error = choose(Signal::Logs, Some(value), None).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(value), "{error}");
            assert!(error.contains("feature `logs`"), "{error}");
        }
    }

    #[test]
    fn what_is_not_built_in_is_an_error_that_says_what_is() {
        let table = [
            (Signal::Traces, "zipkin", "otlp, console or none"),
            (Signal::Traces, "otlp,console", "otlp, console or none"),
            (Signal::Metrics, "prometheus", "otlp, console or none"),
            (Signal::Logs, "stdout", "otlp, console or none"),
            #[cfg(not(feature = "console"))]
            (Signal::Traces, "console", "feature `console`"),
            #[cfg(all(feature = "logs", not(feature = "console")))]
            (Signal::Logs, "console", "feature `console`"),
        ];
        for (signal, value, advice) in table {
            let error = choose(signal, Some(value), None).unwrap_err().to_string();
            assert!(error.starts_with(signal.exporter_variable()), "{error}");
            assert!(error.contains(advice), "{error}");
        }
    }
}
