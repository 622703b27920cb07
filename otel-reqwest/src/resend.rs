//! The number of earlier attempts of a request.

use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Next, Result};

/// The number of attempts of one request. All attempts share the [`Extensions`], whichever middleware retries.
#[derive(Debug, Clone, Copy)]
struct Sent(u32);

/// Returns the number of earlier attempts.
pub(crate) fn count(extensions: &Extensions) -> u32 {
    extensions.get().map_or(0, |Sent(count)| *count)
}

/// Counts one attempt when it ends or is dropped.
///
/// A response of class 2xx is not counted: it is not retried, and counting allocates.
pub(crate) struct Counted<'a> {
    extensions: &'a mut Extensions,
    has_succeeded: bool,
}

impl<'a> Counted<'a> {
    pub(crate) fn new(extensions: &'a mut Extensions) -> Self {
        Self {
            extensions,
            has_succeeded: false,
        }
    }

    pub(crate) fn run<'s>(
        &'s mut self,
        next: Next<'s>,
        request: Request,
    ) -> impl Future<Output = Result<Response>> + Send + Unpin + 's {
        next.run(request, self.extensions)
    }

    pub(crate) fn end(&mut self, result: &Result<Response>) {
        self.has_succeeded = matches!(result, Ok(response) if response.status().is_success());
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        self.extensions
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        if !self.has_succeeded {
            let before = count(self.extensions);
            self.extensions.insert(Sent(before.saturating_add(1)));
        }
    }
}
