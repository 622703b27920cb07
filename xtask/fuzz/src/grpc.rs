//! A call of gRPC: its path on the first line, then the request's head, an empty line, the head of the response, an empty line,
//! the trailers.

use http::{Extensions, HeaderMap, Method, StatusCode, Uri, Version};
use otel_exchange::RequestHead;
use otel_exchange::conventions::http::HeaderCapture;
use otel_exchange::conventions::rpc::{
    GrpcCall, GrpcCode, RpcMethods, client_error_type, is_grpc, server_error_type,
};

use crate::headers::head;

pub fn check(data: &[u8]) {
    let _ = RpcMethods::from_descriptor_set(data);
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let path = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let [request, response, trailers] = three(parts.next().unwrap_or_default()).map(head);
    check_metadata(&request);
    for (methods, is_open) in [
        (RpcMethods::any(), false),
        (RpcMethods::only(["shop.Pricing/Quote"]), false),
        (RpcMethods::answered(), true),
    ] {
        for (method, version) in [
            (Method::GET, Version::HTTP_2),
            (Method::POST, Version::HTTP_11),
        ] {
            assert!(incoming(&methods, &method, version, &request, &path).is_none());
        }
        let call = incoming(&methods, &Method::POST, Version::HTTP_2, &request, &path);
        assert_eq!(call.is_some(), is_grpc(&request));
        let Some(mut call) = call else { return };
        assert_eq!(call.is_undecided(), !call.method().is_known());
        let is_known = call.method().is_known();
        let has_status = GrpcCode::from_headers(&response).is_some();
        assert_eq!(
            call.decide(Version::HTTP_2, &response),
            is_known || has_status || is_grpc(&response)
        );
        assert!(!call.is_undecided());
        assert!(is_open || call.method().is_settled());
        call.respond(StatusCode::OK, &response);
        call.trailers(&trailers);
        let last = GrpcCode::from_headers(&trailers).or(GrpcCode::from_headers(&response));
        assert_eq!(call.code(), last, "the trailers have the last word");
        assert_eq!(call.has_status(), last.is_some());
        call.cancel();
        let settled = call.settle();
        // A longer method is unknown from the start.
        let is_short = path.len() <= "/".len() + 256;
        assert_eq!(
            settled[0].is_some(),
            is_open && is_method(&path) && is_short
        );
        check_method(&call, &path);
        let code = call.code().expect("a call that has ended has a code");
        assert!(last.is_none_or(|last| last == code), "what was said stays");
        assert!(
            code.as_str()
                .bytes()
                .all(|it| it.is_ascii_uppercase() || it == b'_')
        );
        // What the server is to blame for, the client sees as an error as well.
        let (server, client) = (server_error_type(code), client_error_type(code));
        assert!(server.is_none() || server == client);
        assert_eq!(client.is_none(), code == GrpcCode::Ok);
    }
}

fn incoming(
    methods: &RpcMethods,
    method: &Method,
    version: Version,
    headers: &HeaderMap,
    path: &str,
) -> Option<GrpcCall> {
    let (uri, extensions) = (Uri::default(), Extensions::new());
    let request = RequestHead::new(method, &uri, version, headers, &extensions);
    GrpcCall::from_incoming(methods, &request, path)
}

/// The number of values and the length of binary values are limited, whatever was sent.
fn check_metadata(headers: &HeaderMap) {
    for attribute in HeaderCapture::new(["*"]).rpc_request(headers) {
        assert!(attribute.key.as_str().starts_with("rpc.request.header."));
        let opentelemetry::Value::Array(opentelemetry::Array::String(items)) = attribute.value
        else {
            panic!("it is not a list of texts");
        };
        assert!(!items.is_empty() && items.len() <= 16);
        let is_binary = attribute.key.as_str().ends_with("-bin");
        assert!(!is_binary || items.iter().all(|it| it.as_str().len() <= 1024));
    }
}

/// What a stranger sends is a name only where it is a method, and then as it was sent.
fn check_method(call: &GrpcCall, path: &str) {
    let method = call.method();
    assert!(method.is_settled(), "the end has settled it");
    match method.original() {
        None => {
            assert_eq!(format!("/{}", method.value()), path);
            assert_eq!(method.name(), method.value().as_str());
            assert!(is_method(path));
        }
        Some(original) => {
            assert_eq!(
                (method.value().as_str(), &*method.name()),
                ("_OTHER", "grpc")
            );
            assert_eq!(
                original.as_str().trim_start_matches('/'),
                path.trim_start_matches('/')
            );
        }
    }
}

fn is_method(path: &str) -> bool {
    let mut parts = path.split('/');
    let parts = [parts.next(), parts.next(), parts.next(), parts.next()];
    matches!(parts, [Some(""), Some(service), Some(method), None] if !service.is_empty() && !method.is_empty())
}

fn three(data: &[u8]) -> [&[u8]; 3] {
    let cut = |data: &'_ [u8]| -> Option<usize> { data.windows(2).position(|two| two == b"\n\n") };
    let mut rest = data;
    [(); 3].map(|()| {
        let end = cut(rest).unwrap_or(rest.len());
        let (part, behind) = rest.split_at(end);
        rest = behind.get(2..).unwrap_or_default();
        part
    })
}
