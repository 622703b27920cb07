//! The service, as tonic's generator would write it, and what it does.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use http::Request;
use tokio::sync::Notify;
use tonic::body::Body;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::server::{Grpc, NamedService};
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

/// Messages are texts.
pub(crate) type Codec = ProstCodec<String, String>;
pub(crate) type Texts = BoxStream<'static, Result<String, Status>>;

type Asked<T> = tonic::Request<T>;
type Answer<T> = Result<tonic::Response<T>, Status>;

/// Prices, in each way in which a call can go.
#[derive(Clone, Default)]
pub(crate) struct Pricing {
    /// Told when a call that waits has begun.
    pub(crate) begun: Arc<Notify>,
    /// Lets a stream go on.
    pub(crate) go_on: Arc<Notify>,
}

impl NamedService for Pricing {
    const NAME: &'static str = "shop.Pricing";
}

impl Service<Request<Body>> for Pricing {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let this = self.clone();
        let path = request.uri().path().to_owned();
        Box::pin(async move {
            let mut grpc = Grpc::new(Codec::default());
            Ok(match path.as_str() {
                "/shop.Pricing/Quote" => grpc.unary(service_fn(quote), request).await,
                "/shop.Pricing/Fail" => grpc.unary(service_fn(fail), request).await,
                "/shop.Pricing/Hang" => {
                    let hang = service_fn(move |_| hang(Arc::clone(&this.begun)));
                    grpc.unary(hang, request).await
                }
                "/shop.Pricing/Panic" => grpc.unary(service_fn(panics), request).await,
                "/shop.Pricing/Watch" => {
                    let watch = service_fn(move |_| watch(Arc::clone(&this.go_on)));
                    grpc.server_streaming(watch, request).await
                }
                "/shop.Pricing/Break" => grpc.server_streaming(service_fn(breaks), request).await,
                "/shop.Pricing/Described" => {
                    grpc.server_streaming(service_fn(described), request).await
                }
                "/shop.Pricing/Refused" => {
                    let refused =
                        |_| async { Err::<tonic::Response<Texts>, _>(described_status()) };
                    grpc.server_streaming(service_fn(refused), request).await
                }
                "/shop.Pricing/Collect" => {
                    grpc.client_streaming(service_fn(collect), request).await
                }
                "/shop.Pricing/Chat" => grpc.streaming(service_fn(chat), request).await,
                _ => Status::unimplemented("").into_http(),
            })
        })
    }
}

async fn quote(sku: Asked<String>) -> Answer<String> {
    tracing::info_span!("look up").in_scope(|| ());
    Ok(tonic::Response::new(format!("{} costs 3", sku.get_ref())))
}

/// The message is the number of the code.
async fn fail(code: Asked<String>) -> Answer<String> {
    match Code::from_bytes(code.get_ref().as_bytes()) {
        Code::Ok => Ok(tonic::Response::new(String::new())),
        code => Err(Status::new(code, "hunter2")),
    }
}

async fn hang(begun: Arc<Notify>) -> Answer<String> {
    begun.notify_one();
    pending().await
}

async fn panics(_: Asked<String>) -> Answer<String> {
    std::panic::resume_unwind(Box::new(()))
}

async fn watch(go_on: Arc<Notify>) -> Answer<Texts> {
    let first = stream::iter([Ok("one".to_owned())]);
    let second = stream::once(async move {
        go_on.notified().await;
        Ok("two".to_owned())
    });
    Ok(tonic::Response::new(first.chain(second).boxed()))
}

async fn breaks(_: Asked<String>) -> Answer<Texts> {
    let texts = [Ok("one".to_owned()), Err(Status::data_loss("hunter2"))];
    Ok(tonic::Response::new(stream::iter(texts).boxed()))
}

/// Metadata in the head and with the status, as text and binary.
async fn described(_: Asked<String>) -> Answer<Texts> {
    let texts = [Ok("one".to_owned()), Err(described_status())];
    let mut response = tonic::Response::new(stream::iter(texts).boxed());
    let metadata = response.metadata_mut();
    metadata.insert("x-head", "first".parse().unwrap());
    metadata.insert_bin("x-head-bin", MetadataValue::from_bytes(&[1]));
    Ok(response)
}

fn described_status() -> Status {
    let mut metadata = MetadataMap::new();
    metadata.insert("x-trail", "last".parse().unwrap());
    metadata.append("x-trail", "least".parse().unwrap());
    metadata.insert_bin("x-trail-bin", MetadataValue::from_bytes(&[2, 3]));
    Status::with_metadata(Code::DataLoss, "hunter2", metadata)
}

async fn collect(texts: Asked<Streaming<String>>) -> Answer<String> {
    let texts: Vec<String> = texts.into_inner().try_collect().await?;
    Ok(tonic::Response::new(texts.join(" ")))
}

async fn chat(texts: Asked<Streaming<String>>) -> Answer<Texts> {
    let answers = texts.into_inner().map_ok(|text| format!("{text}!"));
    Ok(tonic::Response::new(answers.boxed()))
}
