//! How far a request body has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use bytes::Buf;
use http_body::{Body, Frame};

/// How far the request body of an exchange has come: its bytes, and whether it has ended or the connection broke off.
///
/// The adapter reports the body while it is read or sent, and the exchange uses the report at its end. Clones share the report.
#[derive(Debug, Clone, Default)]
pub struct RequestBodyProgress(Arc<Progress>);

#[derive(Debug, Default)]
struct Progress {
    bytes: AtomicU64,
    state: AtomicU8,
}

const COMPLETE: u8 = 1;
const BROKE_OFF: u8 = 2;

impl RequestBodyProgress {
    /// Reports the result of a call of [`Body::poll_frame`] on this body.
    ///
    /// `is_disconnect` says whether an error means that the peer has left. Other errors, such as that of a limit or of a timeout,
    /// only mean that the body is not read further.
    pub fn frame<B: Body>(
        &self,
        body: &B,
        polled: Option<&Result<Frame<B::Data>, B::Error>>,
        is_disconnect: impl FnOnce(&B::Error) -> bool,
    ) {
        match polled {
            None => self.complete(),
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.data(data.remaining());
                }
                // A reader need not poll again after the last frame.
                if frame.is_trailers() || body.is_end_stream() {
                    self.complete();
                }
            }
            Some(Err(error)) => {
                if is_disconnect(error) {
                    self.break_off();
                }
            }
        }
    }

    /// Reports data, by its length in bytes.
    pub fn data(&self, length: usize) {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.0.bytes.fetch_add(length, Ordering::Relaxed);
    }

    /// Reports that the body was read to its end.
    pub fn complete(&self) {
        self.0.state.store(COMPLETE, Ordering::Release);
    }

    /// Reports that the peer left before the end of the body. A request on a server then ends as cancelled.
    pub fn break_off(&self) {
        self.0.state.store(BROKE_OFF, Ordering::Release);
    }

    /// Returns the size of the body, if it was read to its end.
    pub(crate) fn size(&self) -> Option<u64> {
        let is_complete = self.0.state.load(Ordering::Acquire) == COMPLETE;
        is_complete.then(|| self.0.bytes.load(Ordering::Relaxed))
    }

    /// Returns `true` if the peer left before the end of the body.
    pub(crate) fn has_broken_off(&self) -> bool {
        self.0.state.load(Ordering::Acquire) == BROKE_OFF
    }
}
