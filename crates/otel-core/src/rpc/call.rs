//! What is known of one gRPC call.

use ::http::header::CONTENT_TYPE;
use ::http::{HeaderMap, StatusCode};
use opentelemetry::KeyValue;

use super::attribute::{RPC_METHOD, RPC_METHOD_ORIGINAL};
use super::code::GrpcCode;
use super::deadline::Deadline;
use super::method::{RpcMethod, RpcMethods};

/// One call, from its request to its status. The same on both sides.
#[derive(Debug)]
pub struct GrpcCall {
    methods: RpcMethods,
    method: RpcMethod,
    deadline: Option<Deadline>,
    code: Option<GrpcCode>,
    /// The response has said the code.
    has_status: bool,
    /// The head of the response was that of a call of gRPC.
    has_head: bool,
    has_message: bool,
}

impl GrpcCall {
    /// Looks at a request; `None` where its `content-type` is not that of gRPC.
    ///
    /// gRPC-Web is not: its status stands in the body.
    #[must_use]
    pub fn of(methods: &RpcMethods, path: &str, headers: &HeaderMap) -> Option<Self> {
        is_grpc(headers).then(|| Self {
            methods: methods.clone(),
            method: methods.find(path),
            deadline: Deadline::of(headers),
            code: None,
            has_status: false,
            has_head: false,
            has_message: false,
        })
    }

    /// The method, which the answer may have to settle.
    #[must_use]
    pub fn method(&self) -> &RpcMethod {
        &self.method
    }

    /// The status, once it is known.
    #[must_use]
    pub fn code(&self) -> Option<GrpcCode> {
        self.code
    }

    /// Whether the response has said the code. Else it is what gRPC makes of what happened.
    #[must_use]
    pub fn has_status(&self) -> bool {
        self.has_status
    }

    /// Notes the response head. It holds the status where nothing else follows.
    pub fn respond(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.has_head = status == StatusCode::OK && is_grpc(headers);
        self.code = GrpcCode::of_headers(headers);
        if self.code.is_none() && status != StatusCode::OK {
            self.code = Some(GrpcCode::of_http(status));
        }
        self.has_status = self.code.is_some();
    }

    /// Notes a piece of a message of the response, of one byte or more.
    pub fn message(&mut self) {
        self.has_message = true;
    }

    /// Notes the trailers, whose status is the last word.
    pub fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(code) = GrpcCode::of_headers(trailers) {
            (self.code, self.has_status) = (Some(code), true);
        }
    }

    /// Notes a status that came as an error, where none was there.
    pub fn tell(&mut self, code: GrpcCode) {
        self.has_status |= self.code.is_none();
        self.fail(code);
    }

    /// Notes that the response is complete: without a status until now it is `UNKNOWN`.
    pub fn complete(&mut self) {
        self.code.get_or_insert(GrpcCode::Unknown);
    }

    /// Notes that the call was given up, by its caller or since its time had passed. A status that was there stays.
    pub fn give_up(&mut self) {
        let has_passed = self.deadline.is_some_and(Deadline::has_passed);
        self.code.get_or_insert(if has_passed {
            GrpcCode::DeadlineExceeded
        } else {
            GrpcCode::Cancelled
        });
    }

    /// Notes that the call failed on its way, before there was a status.
    pub fn fail(&mut self, code: GrpcCode) {
        self.code.get_or_insert(code);
    }

    /// Settles the method at the end of the call, and returns its attributes if that was open.
    pub fn settle(&mut self) -> MethodAttributes {
        if self.method.is_settled() {
            return MethodAttributes::default();
        }
        let is_answered = self.is_answered();
        self.methods.settle(&mut self.method, is_answered);
        self.method.attributes()
    }

    /// By a handler, as far as can be told. A page for all paths that no one has is no answer.
    fn is_answered(&self) -> bool {
        let by_status = || self.code.is_some_and(GrpcCode::is_of_a_handler);
        self.has_head && (self.has_message || by_status())
    }
}

/// `rpc.method`, and `rpc.method_original` where it differs.
pub type MethodAttributes = [Option<KeyValue>; 2];

impl RpcMethod {
    /// The attributes of the method; none as long as it is not settled.
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

/// Whether a request or a response is one of gRPC by its `content-type`: `application/grpc`, with or without `+proto` and
/// parameters (gRPC over HTTP/2, "Requests").
#[must_use]
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else {
        return false;
    };
    let rest = kind.as_bytes().strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
}
