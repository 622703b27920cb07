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
