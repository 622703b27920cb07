//! Text that comes again and again, shared instead of copied.

use std::cell::RefCell;
use std::sync::Arc;

use opentelemetry::StringValue;

/// Shares the text with earlier requests of this thread that had the same: hosts and user agents are few.
pub(crate) fn shared(text: &str) -> StringValue {
    if text.len() > LONGEST {
        return StringValue::from(text.to_owned());
    }
    RECENT.with_borrow_mut(|recent| {
        let Some(slot) = recent.get_mut(place(text)) else {
            return StringValue::from(text.to_owned());
        };
        let found = slot.as_ref().filter(|kept| kept.as_ref() == text);
        let kept = found.cloned().unwrap_or_else(|| {
            let kept = Arc::from(text);
            *slot = Some(Arc::clone(&kept));
            kept
        });
        StringValue::from(kept)
    })
}

fn place(text: &str) -> usize {
    let end = text.bytes().rev().take(8);
    let hash = end.fold(text.len(), |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(byte))
    });
    hash % PLACES
}

const LONGEST: usize = 256;
const PLACES: usize = 32;

thread_local! {
    static RECENT: RefCell<[Option<Arc<str>>; PLACES]> =
        const { RefCell::new([const { None }; PLACES]) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_out_as_it_went_in_whatever_was_there_before() {
        let long = "x".repeat(LONGEST + 1);
        for text in ["a", "b", "a", "", "shop.example", "shop.example", &long] {
            assert_eq!(shared(text).as_str(), text);
        }
    }
}
