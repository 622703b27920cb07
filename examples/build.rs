//! Writes the gRPC service `shop.Pricing`. A project with a `.proto` file has tonic-prost-build do it; that needs `protoc`.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let method = |name: &str, route: &str| {
        Method::builder()
            .name(name)
            .route_name(route)
            .input_type("crate::grpc::QuoteRequest")
            .output_type("crate::grpc::Quote")
            .codec_path("tonic_prost::ProstCodec")
    };
    let pricing = Service::builder()
        .name("Pricing")
        .package("shop")
        .method(method("quote", "Quote").build())
        .method(method("watch", "Watch").server_streaming().build())
        .build();
    Builder::new().compile(&[pricing]);
    println!("cargo:rerun-if-changed=build.rs");
}
