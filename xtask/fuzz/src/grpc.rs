//! A call of gRPC: its path on the first line, then the request's head, an empty line, the head of the response, an empty line,
//! the trailers.

use http::StatusCode;
use otel_exchange::conventions::rpc::{
    GrpcCall, GrpcCode, RpcMethods, client_error_type, server_error_type,
};

use crate::headers::head;

pub fn check(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let path = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let [request, response, trailers] = three(parts.next().unwrap_or_default()).map(head);
    for (methods, is_open) in [
        (RpcMethods::any(), false),
        (RpcMethods::only(["shop.Pricing/Quote"]), false),
        (RpcMethods::answered(), true),
    ] {
        let Some(mut call) = GrpcCall::from_request(&methods, &path, &request) else {
            let kind = request.get("content-type").map(|it| it.as_bytes());
            assert_ne!(kind, Some(b"application/grpc".as_slice()));
            return;
        };
        assert!(is_open || call.method().is_settled());
        call.respond(StatusCode::OK, &response);
        call.trailers(&trailers);
        let last = GrpcCode::from_headers(&trailers).or(GrpcCode::from_headers(&response));
        assert_eq!(call.code(), last, "the trailers have the last word");
        assert_eq!(call.has_status(), last.is_some());
        call.cancel();
        let settled = call.settle();
        assert_eq!(settled[0].is_some(), is_open && is_method(&path));
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
