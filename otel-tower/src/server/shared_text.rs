//! Text that comes again and again, shared instead of copied and read only once.

use std::cell::RefCell;
use std::sync::Arc;
use std::thread::LocalKey;

use opentelemetry::StringValue;
use otel_core::http::HostPort;

/// Shares the text with earlier requests of this thread that had the same: user agents are few.
pub(crate) fn shared(text: &str) -> StringValue {
    find(&TEXTS, text, |text| {
        StringValue::from(Arc::<str>::from(text))
    })
}

/// Host and port of a `Host` or `:authority`, shared in the same way; `None` where it is neither.
pub(crate) fn shared_host(text: &str) -> Option<(StringValue, Option<u16>)> {
    find(&HOSTS, text, |text| {
        let read = HostPort::parse(text)?;
        let host = StringValue::from(Arc::<str>::from(read.host()));
        Some((host, read.port()))
    })
}

/// What was made of a text, beside the text.
type Recent<T> = RefCell<[Option<(Box<str>, T)>; PLACES]>;

fn find<T: Clone>(recent: &'static LocalKey<Recent<T>>, text: &str, make: impl Fn(&str) -> T) -> T {
    if text.len() > LONGEST {
        return make(text);
    }
    recent.with_borrow_mut(|recent| {
        let Some(slot) = recent.get_mut(place(text)) else {
            return make(text);
        };
        match slot {
            Some((of, made)) if **of == *text => made.clone(),
            _ => {
                let made = make(text);
                *slot = Some((text.into(), made.clone()));
                made
            }
        }
    })
}

/// Texts differ at their ends and in their length more than at their beginnings.
fn place(text: &str) -> usize {
    let (_, end) = text.as_bytes().split_at(text.len().saturating_sub(8));
    let hash = end.iter().fold(text.len(), |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(usize::from(*byte))
    });
    hash % PLACES
}

const LONGEST: usize = 256;
const PLACES: usize = 32;

thread_local! {
    static TEXTS: Recent<StringValue> = const { RefCell::new([const { None }; PLACES]) };
    static HOSTS: Recent<Option<(StringValue, Option<u16>)>> =
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

    #[test]
    fn a_host_is_read_the_same_the_first_and_the_second_time() {
        for _ in 0..2 {
            let host = shared_host("shop.example:8080");
            assert_eq!(host, Some(("shop.example".into(), Some(8080))));
            assert_eq!(shared_host("[::1]"), Some(("::1".into(), None)));
            assert_eq!(shared_host("no host"), None);
        }
    }
}
