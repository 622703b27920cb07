//! How often a request was sent before.

use http::Extensions;

/// Counts the attempts of one request. Its [`Extensions`] are the same for all of them, whichever middleware resends.
#[derive(Debug, Clone, Copy)]
struct Sent(u32);

/// Counts one more attempt and says how many there were before.
pub(crate) fn count(extensions: &mut Extensions) -> u32 {
    match extensions.get_mut::<Sent>() {
        Some(Sent(before)) => {
            let resends = *before;
            *before = before.saturating_add(1);
            resends
        }
        None => {
            extensions.insert(Sent(1));
            0
        }
    }
}
