//! The state of one gRPC call.

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, StatusCode};
use opentelemetry::KeyValue;

use super::attribute::{RPC_METHOD, RPC_METHOD_ORIGINAL};
use super::code::GrpcCode;
use super::deadline::Deadline;
use super::method::{RpcMethod, RpcMethods};

/// One call, from its request to its status. Server and client use it in the same way.
#[derive(Debug)]
pub struct GrpcCall {
    methods: RpcMethods,
    method: RpcMethod,
    deadline: Option<Deadline>,
    code: Option<GrpcCode>,
    /// The response contained the code.
    has_status: bool,
    /// The response head was that of a gRPC call.
    has_head: bool,
    has_message: bool,
}

impl GrpcCall {
    /// Reads a request. Returns `None` if its `content-type` is not gRPC's.
    ///
    /// gRPC-Web does not count as gRPC: its status is in the body.
    #[must_use]
    pub fn from_request(methods: &RpcMethods, path: &str, headers: &HeaderMap) -> Option<Self> {
        is_grpc(headers).then(|| Self {
            methods: methods.clone(),
            method: methods.find(path),
            deadline: Deadline::from_headers(headers),
            code: None,
            has_status: false,
            has_head: false,
            has_message: false,
        })
    }

    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &RpcMethod {
        &self.method
    }

    /// Returns the status if it is known.
    #[must_use]
    pub fn code(&self) -> Option<GrpcCode> {
        self.code
    }

    /// Returns `true` if the response contained the code. Otherwise the code follows from how the call ended.
    #[must_use]
    pub fn has_status(&self) -> bool {
        self.has_status
    }

    /// Reads the response head. It has the status if nothing else follows.
    pub fn respond(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.has_head = status == StatusCode::OK && is_grpc(headers);
        self.code = GrpcCode::from_headers(headers);
        if self.code.is_none() && status != StatusCode::OK {
            self.code = Some(GrpcCode::from_http(status));
        }
        self.has_status = self.code.is_some();
    }

    /// Records that a part of a response message has passed.
    pub fn message(&mut self) {
        self.has_message = true;
    }

    /// Reads the trailers. Their status replaces an earlier one.
    pub fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(code) = GrpcCode::from_headers(trailers) {
            (self.code, self.has_status) = (Some(code), true);
        }
    }

    /// Sets the status that an error contains, if there is no status yet.
    pub fn set_status(&mut self, code: GrpcCode) {
        self.has_status |= self.code.is_none();
        self.fail(code);
    }

    /// Records that the response is complete. Without a status the code is `UNKNOWN`.
    pub fn complete(&mut self) {
        self.code.get_or_insert(GrpcCode::Unknown);
    }

    /// Records that the call was cancelled. Without a status the code is `DEADLINE_EXCEEDED` if the deadline has passed, else
    /// `CANCELLED`.
    pub fn cancel(&mut self) {
        let has_passed = self.deadline.is_some_and(Deadline::has_passed);
        self.code.get_or_insert(if has_passed {
            GrpcCode::DeadlineExceeded
        } else {
            GrpcCode::Cancelled
        });
    }

    /// Sets the code of a call that failed before there was a status.
    pub fn fail(&mut self, code: GrpcCode) {
        self.code.get_or_insert(code);
    }

    /// Decides at the end of the call whether its method is known. Returns the method's attributes if that was open.
    pub fn settle(&mut self) -> MethodAttributes {
        if self.method.is_settled() {
            return MethodAttributes::default();
        }
        let is_answered = self.is_answered();
        self.methods.settle(&mut self.method, is_answered);
        self.method.attributes()
    }

    /// Returns `true` if a handler has answered, as far as the response shows. A page for unknown paths is not an answer.
    fn is_answered(&self) -> bool {
        self.has_head && (self.has_message || self.code.is_some_and(GrpcCode::is_of_a_handler))
    }
}

/// `rpc.method`, and `rpc.method_original` if it differs.
pub type MethodAttributes = [Option<KeyValue>; 2];

impl RpcMethod {
    /// Returns the attributes of the method. There are none until the method is settled.
    #[must_use]
    pub fn attributes(&self) -> MethodAttributes {
        if !self.is_settled() {
            return MethodAttributes::default();
        }
        let original = self.original();
        [
            Some(KeyValue::new(RPC_METHOD, self.value())),
            original.map(|original| KeyValue::new(RPC_METHOD_ORIGINAL, original)),
        ]
    }
}

/// Returns `true` if the `content-type` of a request or response is gRPC's: `application/grpc`, with or without `+proto` and
/// parameters (gRPC over HTTP/2, "Requests").
#[must_use]
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return false;
    };
    let rest = kind.as_bytes().strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}
