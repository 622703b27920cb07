//! How many bytes of untrusted texts are recorded.

use otel_core::limits::{MAX_CAPTURED, MAX_TEXT, MAX_URL, cut, cut_bytes};

/// The number of bytes that are recorded of each text from the network. A longer text is cut between two characters.
///
/// A span waits in memory until it is exported. Without limits, a client could fill the memory with long headers.
///
/// ```
/// use otel_exchange::TextLimits;
///
/// let limits = TextLimits::default().url(8_192).other(256);
/// # let _ = limits;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct TextLimits {
    url: usize,
    other: usize,
}

impl Default for TextLimits {
    fn default() -> Self {
        Self {
            url: MAX_URL,
            other: MAX_TEXT,
        }
    }
}

impl TextLimits {
    /// Sets the limit of `url.full`, `url.path` and `url.query`, in bytes. The default is 2,048.
    ///
    /// Secrets are replaced before the text is cut, so a cut never reveals a part of a secret.
    pub const fn url(mut self, bytes: usize) -> Self {
        self.url = bytes;
        self
    }

    /// Sets the limit of every other text, in bytes: the host, the `User-Agent`, an unknown method, each line of a captured header.
    /// The default is 1,024.
    ///
    /// All captured headers of one message together have at most 8,192 bytes, or eight times this limit if that is more.
    pub const fn other(mut self, bytes: usize) -> Self {
        self.other = bytes;
        self
    }

    /// Returns limits of which none is higher than this.
    pub(crate) fn at_most(self, bytes: usize) -> Self {
        Self {
            url: self.url.min(bytes),
            other: self.other.min(bytes),
        }
    }

    pub(crate) fn cut_url<'a>(&self, text: &'a str) -> &'a str {
        cut(text, self.url)
    }

    pub(crate) fn cut_other<'a>(&self, text: &'a str) -> &'a str {
        cut(text, self.other)
    }

    /// Returns the text of a header value. Bytes that are not UTF-8 become U+FFFD, which is longer than they are.
    pub(crate) fn text_of(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(cut_bytes(bytes, self.other));
        self.cut_other(&text).to_owned()
    }

    /// Returns the limit of texts that are not URLs.
    pub(crate) fn max_other(&self) -> usize {
        self.other
    }

    /// Returns the limit of all captured headers of one message, names and values together.
    pub(crate) fn max_captured(&self) -> usize {
        let times = MAX_CAPTURED / MAX_TEXT;
        self.other.saturating_mul(times).max(MAX_CAPTURED)
    }
}
