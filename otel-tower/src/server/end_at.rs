//! When the SERVER span ends.

/// When the span of a request ends, where nothing goes wrong before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndAt {
    /// With the last frame of the response body. The default.
    #[default]
    Body,
    /// With the response head: for streams that stand open for hours. What the body does is not seen then.
    Headers,
}
