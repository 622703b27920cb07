//! `OTEL_TRACES_SAMPLER` and its argument.

use opentelemetry_sdk::trace::Sampler;

use crate::error::SetupError;
use crate::variable;

const NAME: &str = "OTEL_TRACES_SAMPLER";
const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

/// The sampler that the environment asks for; without a word, every trace that no caller decided against.
pub(crate) fn from_env() -> Result<Sampler, SetupError> {
    let Some(name) = variable::read(NAME)? else {
        return Ok(parent_based(Sampler::AlwaysOn));
    };
    Ok(match name.to_ascii_lowercase().as_str() {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => Sampler::TraceIdRatioBased(ratio()?),
        "parentbased_always_on" => parent_based(Sampler::AlwaysOn),
        "parentbased_always_off" => parent_based(Sampler::AlwaysOff),
        "parentbased_traceidratio" => parent_based(Sampler::TraceIdRatioBased(ratio()?)),
        _ => {
            return Err(SetupError::variable(
                NAME,
                name,
                "use always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or \
                 parentbased_traceidratio",
            ));
        }
    })
}

fn parent_based(root: Sampler) -> Sampler {
    Sampler::ParentBased(Box::new(root))
}

fn ratio() -> Result<f64, SetupError> {
    let Some(text) = variable::read(ARGUMENT)? else {
        return Ok(1.0);
    };
    match text.parse() {
        Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(ratio),
        _ => Err(SetupError::variable(
            ARGUMENT,
            text,
            "use a ratio from 0.0 to 1.0",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "OTEL_TRACES_SAMPLER";
    const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";

    #[test]
    fn the_variable_names_the_sampler() {
        let table = [
            (None, None, "ParentBased(AlwaysOn)"),
            (Some(""), None, "ParentBased(AlwaysOn)"),
            (Some("always_on"), None, "AlwaysOn"),
            (Some("ALWAYS_OFF"), None, "AlwaysOff"),
            (Some("traceidratio"), None, "TraceIdRatioBased(1.0)"),
            (
                Some("traceidratio"),
                Some("0.25"),
                "TraceIdRatioBased(0.25)",
            ),
            (Some("parentbased_always_on"), None, "ParentBased(AlwaysOn)"),
            (
                Some("parentbased_always_off"),
                None,
                "ParentBased(AlwaysOff)",
            ),
            (
                Some("parentbased_traceidratio"),
                Some("0"),
                "ParentBased(TraceIdRatioBased(0.0))",
            ),
        ];
        for (name, argument, expected) in table {
            let sampler = temp_env::with_vars([(NAME, name), (ARGUMENT, argument)], from_env);
            assert_eq!(format!("{:?}", sampler.unwrap()), expected, "{name:?}");
        }
    }

    #[test]
    fn what_is_no_sampler_is_an_error_that_names_the_variable() {
        let table = [
            ("sometimes", None, NAME),
            ("jaeger_remote", None, NAME),
            ("traceidratio", Some("1.5"), ARGUMENT),
            ("traceidratio", Some("-0.1"), ARGUMENT),
            ("traceidratio", Some("NaN"), ARGUMENT),
            ("parentbased_traceidratio", Some("half"), ARGUMENT),
        ];
        for (name, argument, variable) in table {
            let error = temp_env::with_vars([(NAME, Some(name)), (ARGUMENT, argument)], from_env);
            let error = error.unwrap_err();
            assert!(error.is_invalid_variable(), "{error}");
            assert!(error.to_string().starts_with(variable), "{error}");
        }
    }
}
