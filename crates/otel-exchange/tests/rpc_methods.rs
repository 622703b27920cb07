//! Methods of gRPC that are made up without end. One test: what is kept is the process's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use http::{HeaderMap, Request, StatusCode, Version};
use otel_exchange::RequestHead;
use otel_exchange::conventions::rpc::{GrpcCall, RpcMethods};

/// With a message.
fn answer(call: &mut GrpcCall) {
    let mut head = HeaderMap::new();
    head.insert("content-type", "application/grpc".parse().unwrap());
    call.respond(StatusCode::OK, &head);
    call.message();
    let _ = call.settle();
}

fn open(methods: &RpcMethods, path: &str) -> GrpcCall {
    let request = Request::post(path)
        .version(Version::HTTP_2)
        .header("content-type", "application/grpc");
    let request = request.body(()).unwrap();
    let head = RequestHead::from_request(&request);
    GrpcCall::from_incoming(methods, &head, path).unwrap()
}

/// How many of these are told by their names.
fn known(methods: &RpcMethods, count: usize) -> usize {
    let call = |number| {
        let mut call = open(methods, &format!("/shop.Proxy/Pass{number}"));
        answer(&mut call);
        call.method().original().is_none()
    };
    (0..count).filter(|number| call(*number)).count()
}

#[test]
fn methods_without_end_do_not_fill_the_memory_and_leave_room_to_others() {
    // A stranger's, whom a careless service answers, a proxy's, and those of the service itself.
    let (answered, called) = (RpcMethods::answered(), RpcMethods::any());
    assert_eq!(known(&answered, 3000), 1024);
    let named = known(&called, 3000);
    // A few more are at hand, since this thread has used them just now.
    assert!((1024..1024 + 128).contains(&named), "{named}");
    assert_eq!(known(&answered, 1024), 1024);
    let long = RpcMethods::answered();
    let path = format!("/shop/{}", "x".repeat(256));
    let mut call = open(&long, &path);
    answer(&mut call);
    assert_eq!(call.method().name(), "grpc");
}
