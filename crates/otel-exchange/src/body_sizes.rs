//! The sizes of the bodies of an exchange.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::KeyValue;

use crate::conventions::http::attribute::{HTTP_REQUEST_BODY_SIZE, HTTP_RESPONSE_BODY_SIZE};

/// The bytes of the request's and the response's body, if they are known.
#[derive(Debug, Default)]
pub struct BodySizes {
    request: Option<RequestSize>,
    response: Option<u64>,
}

#[derive(Debug)]
enum RequestSize {
    Known(u64),
    Counted(Arc<AtomicU64>),
}

impl BodySizes {
    /// Sets the size of the request's body.
    pub fn set_request(&mut self, bytes: u64) {
        self.request = Some(RequestSize::Known(bytes));
    }

    /// Returns a counter for the bytes of the request's body. The adapter adds to it as the body is read.
    pub fn count_request(&mut self) -> Arc<AtomicU64> {
        let counter = Arc::default();
        self.request = Some(RequestSize::Counted(Arc::clone(&counter)));
        counter
    }

    /// Sets the size of the response's body. `None` means that the size is unknown and that its data is not counted.
    pub fn set_response(&mut self, bytes: Option<u64>) {
        self.response = bytes;
    }

    /// Adds data that has passed to the size of the response's body.
    pub(crate) fn add_response(&mut self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.response = self.response.map(|before| before.saturating_add(bytes));
    }

    pub(crate) fn request(&self) -> Option<u64> {
        match self.request.as_ref()? {
            RequestSize::Known(bytes) => Some(*bytes),
            RequestSize::Counted(counter) => Some(counter.load(Ordering::Relaxed)),
        }
    }

    pub(crate) fn response(&self) -> Option<u64> {
        self.response
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        let sizes = [
            (HTTP_REQUEST_BODY_SIZE, self.request()),
            (HTTP_RESPONSE_BODY_SIZE, self.response),
        ];
        sizes.into_iter().filter_map(|(key, bytes)| {
            let bytes = i64::try_from(bytes?).unwrap_or(i64::MAX);
            Some(KeyValue::new(key, bytes))
        })
    }
}
