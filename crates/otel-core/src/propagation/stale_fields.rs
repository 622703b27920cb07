//! The fields that must go before a propagator writes: an earlier use of the carrier may have left them.

use opentelemetry::propagation::TextMapPropagator;

use super::b3;

/// Hands out the propagator's own fields, for removal.
///
/// Of B3's fields all are handed out if one is the propagator's: a leftover `b3` would win over the `X-B3-*` ones.
pub(crate) fn each_stale_field(propagator: &dyn TextMapPropagator, mut remove: impl FnMut(&str)) {
    let mut is_b3 = false;
    for field in propagator.fields() {
        remove(field);
        is_b3 |= b3::FIELDS.iter().any(|b3| field.eq_ignore_ascii_case(b3));
    }
    if is_b3 {
        b3::FIELDS.into_iter().for_each(remove);
    }
}
