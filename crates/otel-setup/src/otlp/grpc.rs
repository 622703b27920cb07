//! OTLP over gRPC.

use std::sync::Arc;

use opentelemetry_otlp::{Protocol, WithExportConfig, WithTonicConfig};
use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::Endpoint;

use super::endpoint::is_loopback;
use super::header;
use super::http::chain;
use super::runtime::ExportRuntime;
use super::settings::Settings;
use super::tunnel;
use crate::error::SetupError;

/// Makes the builder's exporter send over gRPC, with these settings.
pub(super) fn configure<B>(settings: &Settings, builder: B) -> Result<B, SetupError>
where
    B: WithExportConfig + WithTonicConfig,
{
    let endpoint = Endpoint::from_shared(settings.endpoint.clone())
        .map_err(|error| SetupError::exporter(chain(&error)))?
        .timeout(settings.timeout)
        .connect_timeout(settings.timeout);
    let endpoint = settings.tls.configure_grpc(endpoint)?;
    let _runtime = ExportRuntime::get()?.enter();
    let channel = tunnel::connect_lazy(&endpoint, is_loopback(&settings.endpoint));
    let headers = metadata(&settings.headers)?.into_headers();
    let under_way = Arc::clone(&settings.under_way);
    let builder = builder
        .with_protocol(Protocol::Grpc)
        .with_timeout(settings.timeout)
        .with_channel(channel)
        // It runs after that of opentelemetry-otlp, which adds the headers of the environment.
        .with_interceptor(move |mut request: tonic::Request<()>| {
            header::replace(request.metadata_mut().as_mut(), &headers);
            request.set_timeout(under_way.left());
            Ok(request)
        });
    Ok(match settings.compression() {
        Some(compression) => builder.with_compression(compression),
        None => builder,
    })
}

fn metadata(headers: &[(String, String)]) -> Result<MetadataMap, SetupError> {
    let mut metadata = MetadataMap::new();
    for (name, value) in headers {
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
