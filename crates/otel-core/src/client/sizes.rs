//! How many bytes the bodies of a call had.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;

use crate::http::attribute::{HTTP_REQUEST_BODY_SIZE, HTTP_RESPONSE_BODY_SIZE};

/// The bytes of both bodies, as far as they are known.
#[derive(Debug, Default)]
pub struct BodySizes {
    sent: Option<Sent>,
    received: Option<u64>,
}

/// Known before the body is sent, or counted while it is.
#[derive(Debug)]
enum Sent {
    Known(u64),
    Counted(Arc<AtomicU64>),
}

impl BodySizes {
    /// Notes a request body whose size is known.
    pub fn send(&mut self, size: u64) {
        self.sent = Some(Sent::Known(size));
    }

    /// Notes a request body that adds up its bytes while it is sent.
    pub fn send_counted(&mut self) -> Arc<AtomicU64> {
        let sent = Arc::default();
        self.sent = Some(Sent::Counted(Arc::clone(&sent)));
        sent
    }

    /// Notes what is known of the response's body when its head is there: its size, or zero for one that will be read
    /// through us.
    pub fn expect(&mut self, size: Option<u64>) {
        self.received = size;
    }

    /// Notes a piece of the response's body that has been read.
    pub fn receive(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.received = self.received.map(|before| before.saturating_add(bytes));
    }

    pub(super) fn sent(&self) -> Option<u64> {
        match self.sent.as_ref()? {
            Sent::Known(size) => Some(*size),
            Sent::Counted(sent) => Some(sent.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn received(&self) -> Option<u64> {
        self.received
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        let sizes = [
            (HTTP_REQUEST_BODY_SIZE, self.sent()),
            (HTTP_RESPONSE_BODY_SIZE, self.received()),
        ];
        sizes.into_iter().filter_map(|(key, size)| {
            let size = i64::try_from(size?).unwrap_or(i64::MAX);
            Some(KeyValue::new(key, size))
        })
    }
}
