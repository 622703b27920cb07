//! The sizes of the bodies of an exchange.

use http::HeaderMap;
use opentelemetry::KeyValue;

use crate::content_length::content_length;
use crate::conventions::http::attribute::{HTTP_REQUEST_BODY_SIZE, HTTP_RESPONSE_BODY_SIZE};
use crate::request_body::RequestBodyProgress;

/// The largest size that is believed without the body: 1 TiB. A peer can announce any size, and a few large ones would spoil the
/// sum of the metric.
const MOST_ANNOUNCED: u64 = 1 << 40;

/// The bytes of the request's and the response's body, if they are known.
///
/// A size is the number of bytes of a body that was read to its end. Of another body only the announced size is known, usually
/// its `Content-Length`. The response of a server is different: its size is the number of bytes that were sent.
#[derive(Debug, Default)]
pub struct BodySizes {
    announced_request: Option<u64>,
    request: Option<RequestBodyProgress>,
    announced_response: Option<u64>,
    response: Response,
}

#[derive(Debug, Default)]
enum Response {
    #[default]
    Unset,
    Unknown,
    Counted(u64),
}

impl BodySizes {
    /// Sets the size of the request's body, as the body or its head announces it. `None` means that the size is unknown.
    ///
    /// It is not recorded if it is above 1 TiB, because a peer can announce any size.
    pub fn announce_request(&mut self, bytes: Option<u64>) {
        self.announced_request = bytes;
    }

    /// Counts the request's body while it is read or sent. If it is read to its end, the count replaces the announced size.
    pub fn count_request(&mut self, progress: RequestBodyProgress) {
        self.request = Some(progress);
    }

    /// Sets the size of the response's body, as the body or its head announces it. `None` means that the size is unknown.
    ///
    /// On a client it counts if the body is not read to its end. It is not recorded if it is above 1 TiB.
    pub fn announce_response(&mut self, bytes: Option<u64>) {
        self.announced_response = bytes;
    }

    /// Announces the `Content-Length` of a response whose body does not know its size.
    pub(crate) fn announce_response_head(&mut self, headers: &HeaderMap) {
        if self.announced_response.is_none() {
            self.announced_response = content_length(headers);
        }
    }

    /// Sets the number of bytes of the response's body that have passed. Data that follows is added. `None` means that the data
    /// is not counted.
    pub fn set_response(&mut self, bytes: Option<u64>) {
        self.response = bytes.map_or(Response::Unknown, Response::Counted);
    }

    /// Counts the response's body from now on, unless the adapter has set its size.
    pub(crate) fn begin_response(&mut self) {
        if matches!(self.response, Response::Unset) {
            self.response = Response::Counted(0);
        }
    }

    /// Adds data that has passed to the size of the response's body.
    pub(crate) fn add_response(&mut self, bytes: usize) {
        if let Response::Counted(before) = &mut self.response {
            *before = before.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    /// Forgets the count of a response's body that was not read to its end.
    pub(crate) fn stop_response(&mut self) {
        self.response = Response::Unknown;
    }

    pub(crate) fn request(&self) -> Option<u64> {
        let counted = self.request.as_ref().and_then(RequestBodyProgress::size);
        counted.or_else(|| believed(self.announced_request))
    }

    pub(crate) fn response(&self) -> Option<u64> {
        match self.response {
            Response::Counted(bytes) => Some(bytes),
            Response::Unset | Response::Unknown => believed(self.announced_response),
        }
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = KeyValue> {
        let sizes = [
            (HTTP_REQUEST_BODY_SIZE, self.request()),
            (HTTP_RESPONSE_BODY_SIZE, self.response()),
        ];
        sizes.into_iter().filter_map(|(key, bytes)| {
            let bytes = i64::try_from(bytes?).unwrap_or(i64::MAX);
            Some(KeyValue::new(key, bytes))
        })
    }
}

fn believed(announced: Option<u64>) -> Option<u64> {
    announced.filter(|bytes| *bytes <= MOST_ANNOUNCED)
}
