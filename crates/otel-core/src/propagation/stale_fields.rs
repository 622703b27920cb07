use opentelemetry::propagation::TextMapPropagator;

use super::b3;

/// Calls `remove` with each field that a carrier must remove before the propagator writes to it.
///
/// These are the propagator's own fields, which an earlier use of the carrier may have left. If one of them belongs to B3, all
/// fields of B3 are included, because receivers prefer a leftover `b3` header to the `X-B3-*` headers.
///
/// [`inject`](super::inject) does this for `http::HeaderMap`. Call it before injecting into a carrier of your own.
pub fn for_each_stale_field(propagator: &dyn TextMapPropagator, mut remove: impl FnMut(&str)) {
    let mut is_b3 = false;
    for field in propagator.fields() {
        remove(field);
        is_b3 |= b3::FIELDS.iter().any(|b3| field.eq_ignore_ascii_case(b3));
    }
    if is_b3 {
        b3::FIELDS.into_iter().for_each(remove);
    }
}
