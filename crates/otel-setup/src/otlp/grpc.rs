//! OTLP over gRPC.

use opentelemetry_otlp::{Protocol, WithExportConfig, WithTonicConfig};
use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::Endpoint;

use super::Otlp;
use super::http::chain;
use super::runtime::ExportRuntime;
use crate::error::SetupError;

impl Otlp {
    pub(super) fn grpc<B>(&self, builder: B) -> Result<B, SetupError>
    where
        B: WithExportConfig + WithTonicConfig,
    {
        let endpoint = Endpoint::from_shared(self.endpoint.clone())
            .map_err(|error| SetupError::exporter(chain(&error)))?
            .timeout(self.timeout)
            .connect_timeout(self.timeout);
        let endpoint = self.tls.configure_grpc(endpoint)?;
        let _runtime = ExportRuntime::get()?.enter();
        let metadata = self.metadata()?;
        let under_way = self.under_way();
        let builder = builder
            .with_protocol(Protocol::Grpc)
            .with_timeout(self.timeout)
            .with_channel(endpoint.connect_lazy())
            // Last, so that code wins over what opentelemetry-otlp reads from the environment.
            .with_interceptor(move |mut request: tonic::Request<()>| {
                for entry in metadata.iter() {
                    if let tonic::metadata::KeyAndValueRef::Ascii(key, value) = entry {
                        request.metadata_mut().insert(key, value.clone());
                    }
                }
                request.set_timeout(under_way.left());
                Ok(request)
            });
        Ok(match self.compression {
            Some(compression) => builder.with_compression(compression),
            None => builder,
        })
    }

    fn metadata(&self) -> Result<MetadataMap, SetupError> {
        let mut metadata = MetadataMap::new();
        for (name, value) in &self.headers {
            let key = MetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes());
            let value = MetadataValue::try_from(value.as_str());
            let (Ok(key), Ok(value)) = (key, value) else {
                return Err(SetupError::exporter(format_args!(
                    "the header {name:?} cannot be sent over gRPC"
                )));
            };
            metadata.insert(key, value);
        }
        Ok(metadata)
    }
}
