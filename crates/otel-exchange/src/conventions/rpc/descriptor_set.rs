//! The methods of a descriptor set.

use std::error::Error;
use std::fmt;

use prost::Message;

use super::method::RpcMethods;

/// `google.protobuf.FileDescriptorSet`, with the fields that name methods.
#[derive(Clone, PartialEq, Message)]
struct FileDescriptorSet {
    #[prost(message, repeated, tag = "1")]
    file: Vec<FileDescriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct FileDescriptor {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "6")]
    service: Vec<ServiceDescriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct ServiceDescriptor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    method: Vec<MethodDescriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct MethodDescriptor {
    #[prost(string, tag = "1")]
    name: String,
}

impl RpcMethods {
    /// Knows only the methods of an encoded `google.protobuf.FileDescriptorSet`, as `protoc --descriptor_set_out` writes it.
    ///
    /// # Errors
    ///
    /// Fails if the bytes are not a descriptor set, or if they describe no method.
    pub fn from_descriptor_set(encoded: &[u8]) -> Result<Self, DescriptorSetError> {
        let set = FileDescriptorSet::decode(encoded).map_err(|error| DescriptorSetError {
            source: Some(error),
        })?;
        let mut methods = Vec::new();
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    let dot = if file.package.is_empty() { "" } else { "." };
                    let parts = [&file.package, dot, &service.name, "/", &method.name];
                    methods.push(parts.concat());
                }
            }
        }
        if methods.is_empty() {
            return Err(DescriptorSetError { source: None });
        }
        Ok(Self::only(methods))
    }
}

/// A descriptor set that could not be read, or that describes no method.
#[derive(Debug, Clone)]
pub struct DescriptorSetError {
    /// `None` if the set could be read.
    source: Option<prost::DecodeError>,
}

impl DescriptorSetError {
    /// Returns `true` if the set could be read, but describes no method.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.source.is_none()
    }
}

impl fmt::Display for DescriptorSetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() {
            "the descriptor set describes no method: pass a set that includes the file with the service"
        } else {
            "the bytes are not an encoded FileDescriptorSet: pass the file that `protoc --descriptor_set_out` has written"
        })
    }
}

impl Error for DescriptorSetError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.source.as_ref()?;
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(package: &str, methods: &[(&str, &str)]) -> Vec<u8> {
        let service = methods.iter().map(|(service, method)| ServiceDescriptor {
            name: (*service).to_owned(),
            method: vec![MethodDescriptor {
                name: (*method).to_owned(),
            }],
        });
        let file = FileDescriptor {
            package: package.to_owned(),
            service: service.collect(),
        };
        FileDescriptorSet { file: vec![file] }.encode_to_vec()
    }

    #[test]
    fn each_method_of_the_set_is_known_and_no_other() {
        let mut shop = set(
            "shop.v1",
            &[
                ("Pricing", "Quote"),
                ("Pricing", "Watch"),
                ("Stock", "Count"),
            ],
        );
        // Encoded messages that follow each other are merged.
        shop.extend(set("", &[("Echo", "Say")]));
        let methods = RpcMethods::from_descriptor_set(&shop).unwrap();
        for path in [
            "/shop.v1.Pricing/Quote",
            "/shop.v1.Pricing/Watch",
            "/shop.v1.Stock/Count",
            "/Echo/Say",
        ] {
            assert!(methods.find(path).is_known(), "{path}");
        }
        for path in ["/Pricing/Quote", "/shop.v1.Stock/Quote", "/.Echo/Say"] {
            assert!(!methods.find(path).is_known(), "{path}");
        }
    }

    #[test]
    fn what_is_not_a_set_is_an_error() {
        let cut = &set("shop", &[("Pricing", "Quote")])[..10];
        for bytes in [cut, b"syntax = \"proto3\";", &[0x0a, 0xff]] {
            let error = RpcMethods::from_descriptor_set(bytes).unwrap_err();
            assert!(!error.is_empty(), "{error}");
            assert!(error.source().is_some());
        }
        for bytes in [Vec::new(), set("shop", &[])] {
            let error = RpcMethods::from_descriptor_set(&bytes).unwrap_err();
            assert!(error.is_empty(), "{error}");
        }
    }
}
