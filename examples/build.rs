//! Writes the gRPC service `shop.Pricing`, and its descriptor set. A project with a `.proto` file has tonic-prost-build do both
//! (`file_descriptor_set_path`); that needs `protoc`.

use std::path::Path;
use std::{env, fs};

use prost::Message as _;
use prost_types::{
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};
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

    let out_dir = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let set = descriptor_set().encode_to_vec();
    fs::write(Path::new(&out_dir).join("shop.bin"), set).expect("OUT_DIR can be written");
    println!("cargo:rerun-if-changed=build.rs");
}

fn descriptor_set() -> FileDescriptorSet {
    let method = |name: &str| MethodDescriptorProto {
        name: Some(name.to_owned()),
        ..Default::default()
    };
    let pricing = ServiceDescriptorProto {
        name: Some("Pricing".to_owned()),
        method: vec![method("Quote"), method("Watch")],
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("shop.proto".to_owned()),
        package: Some("shop".to_owned()),
        service: vec![pricing],
        ..Default::default()
    };
    FileDescriptorSet { file: vec![file] }
}
