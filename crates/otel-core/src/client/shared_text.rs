//! Text that most requests of a thread have in common, allocated once for all of them.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::Arc;

use opentelemetry::StringValue;

thread_local! {
    static HOST: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
    static PEER: RefCell<Option<(IpAddr, Arc<str>)>> = const { RefCell::new(None) };
}

/// The host's name, shared with the request before if that went to the same host.
pub(super) fn host(name: &str) -> StringValue {
    HOST.with_borrow_mut(|last| match last {
        Some(last) if **last == *name => Arc::clone(last),
        _ => Arc::clone(last.insert(Arc::from(name))),
    })
    .into()
}

/// The peer's address as text, shared with the response before if that came from the same peer.
pub(super) fn peer(address: IpAddr) -> StringValue {
    PEER.with_borrow_mut(|last| match last {
        Some((known, text)) if *known == address => Arc::clone(text),
        _ => Arc::clone(&last.insert((address, address.to_string().into())).1),
    })
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gets_its_own_text() {
        for name in ["a.example", "b.example", "b.example", "a.example"] {
            assert_eq!(host(name).as_str(), name);
        }
        for address in ["127.0.0.1", "::1", "::1", "127.0.0.1"] {
            assert_eq!(peer(address.parse().unwrap()).as_str(), address);
        }
    }
}
