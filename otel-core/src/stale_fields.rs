//! The fields of a carrier that must go before a propagator writes into it.

use opentelemetry::propagation::TextMapPropagator;

use crate::propagation::B3Propagator;

/// Lists the propagator's own fields, which an earlier use of the carrier may have left.
///
/// Of B3's fields all are listed if one is the propagator's: a leftover `b3` would win over the `X-B3-*` ones.
pub(crate) fn stale_fields(propagator: &dyn TextMapPropagator) -> Vec<String> {
    let mut fields: Vec<String> = propagator.fields().map(str::to_owned).collect();
    let all_b3 = B3Propagator::both();
    let is_b3 = |field: &String| all_b3.fields().any(|b3| field.eq_ignore_ascii_case(b3));
    if fields.iter().any(is_b3) {
        fields.extend(all_b3.fields().map(str::to_owned));
        // Read by none, but sent by Zipkin's own libraries.
        fields.push("x-b3-parentspanid".to_owned());
    }
    fields
}
