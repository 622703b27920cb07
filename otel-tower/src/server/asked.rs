//! What only some layers are asked for, so that the others do not pay for it.

use std::fmt;
use std::time::Instant;

use http::Request;
use opentelemetry::KeyValue;

use crate::server::config::Config;
use crate::server::first_byte::{self, FirstByte};
use crate::server::request_body::RequestBodySize;
use crate::server::span::ServerSpan;

/// What hooks and options need of a request until its end.
pub(crate) struct Asked {
    /// The head, for those who see it together with the response.
    pub(crate) request: Option<Request<()>>,
    first_byte: Option<(FirstByte, Instant)>,
    request_size: Option<RequestBodySize>,
    response_size: Option<u64>,
}

impl Asked {
    pub(crate) fn by<B: 'static>(config: &Config, request: &mut Request<B>) -> Option<Box<Self>> {
        let keeps_request = config.keeps_request();
        let first_byte = config.first_byte.map(|it| (it, Instant::now()));
        if !keeps_request && !config.body_sizes && first_byte.is_none() {
            return None;
        }
        Some(Box::new(Self {
            request: keeps_request.then(|| head_of(request)),
            first_byte,
            request_size: config.body_sizes.then(|| RequestBodySize::of(request)),
            response_size: config.body_sizes.then_some(0),
        }))
    }

    /// Notes a frame of the response body.
    pub(crate) fn sent(&mut self, length: usize, span: &ServerSpan) {
        self.response_size = self.response_size.map(|size| size + length as u64);
        if length == 0 {
            return;
        }
        match self.first_byte.take() {
            Some((FirstByte::Event, _)) => span.add_event(first_byte::EVENT),
            Some((FirstByte::Attribute, started)) => {
                let seconds = started.elapsed().as_secs_f64();
                span.add([KeyValue::new(first_byte::ATTRIBUTE, seconds)]);
            }
            None => {}
        }
    }

    /// The request ends before the response body, whose size will not be known.
    pub(crate) fn forget_body(&mut self) {
        self.response_size = None;
    }

    /// Of the request's and the response's body, where they are known.
    pub(crate) fn sizes(&self) -> (Option<u64>, Option<u64>) {
        let request_size = self.request_size.as_ref().and_then(RequestBodySize::get);
        (request_size, self.response_size)
    }
}

impl fmt::Debug for Asked {
    // Without the request's head, which may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked")
            .field("first_byte", &self.first_byte)
            .field("request_size", &self.request_size)
            .field("response_size", &self.response_size)
            .finish_non_exhaustive()
    }
}

fn head_of<B>(request: &Request<B>) -> Request<()> {
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.version_mut() = request.version();
    *head.headers_mut() = request.headers().clone();
    *head.extensions_mut() = request.extensions().clone();
    head
}
