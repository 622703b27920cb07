//! Run with `cargo run -p otel-examples --bin hyper_server`, then `curl http://127.0.0.1:8097/hello/ada`.
//!
//! A server on hyper only. [`Traced`] is a complete adapter: it needs `otel_exchange`, and neither tower nor axum.
//! Variables: `LISTEN` (127.0.0.1:8097), and those of `otel_setup`.

use std::future::poll_fn;
use std::mem;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::stream;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use otel_exchange::server::{End, Exchange, ServerOptions};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _telemetry = otel_setup::init("hyper_server")?;
    let mut options = ServerOptions::new("hyper_server", env!("CARGO_PKG_VERSION"));
    options.set_tracing_span(Some(|| otel_exchange::server_span!("hyper_server")));
    options.set_route(|request| route(request.uri().path()));
    options.set_peer(|request| request.extensions().get().copied());
    let options = Arc::new(options);
    let listener = otel_examples::listen("hyper_server", 8097).await?;
    let mut shutdown = pin!(otel_setup::shutdown_signal());
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => accepted?,
            () = &mut shutdown => return Ok(()),
        };
        let options = Arc::clone(&options);
        let service = service_fn(move |mut request| {
            request.extensions_mut().insert(peer);
            traced(Arc::clone(&options), request)
        });
        // If the client disconnects, this ends with an error, which is also in the request's span.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

type AnyBody = BoxBody<Bytes, hyper::Error>;

/// Answers a request. `/echo` sends its body back, and `/silence` never ends.
async fn handle(request: Request<Incoming>) -> Response<AnyBody> {
    tracing::info!("handled");
    let mut response = Response::new(AnyBody::default());
    match route(request.uri().path()) {
        Some("/hello/{name}") => {
            let text = format!("hello, {}\n", &request.uri().path()["/hello/".len()..]);
            *response.body_mut() = Full::from(text).map_err(|never| match never {}).boxed();
        }
        Some("/echo") => *response.body_mut() = request.into_body().boxed(),
        Some("/silence") => *response.body_mut() = StreamBody::new(stream::pending()).boxed(),
        Some("/panic") => panic!("recorded as error.type"),
        _ => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    response
}

/// Returns the template that the path matches.
fn route(path: &str) -> Option<&'static str> {
    let routes = ["/echo", "/panic", "/silence"];
    match path.starts_with("/hello/") {
        true => Some("/hello/{name}"),
        false => routes.into_iter().find(|it| *it == path),
    }
}

/// Runs the handler inside the request's span, which ends with the body of the response.
async fn traced(
    options: Arc<ServerOptions>,
    mut request: Request<Incoming>,
) -> Result<Response<AnyBody>, hyper::Error> {
    let Some((mut exchange, entry)) = Exchange::open(&options, &mut request) else {
        return Ok(handle(request).await);
    };
    let mut handler = exchange.run_first(entry, || Box::pin(handle(request)));
    let mut response = poll_fn(|cx| exchange.run(|| handler.as_mut().poll(cx))).await;
    exchange.respond(&mut response);
    Ok(response.map(|body| BoxBody::new(Traced { body, exchange })))
}

/// A response body that ends its request.
struct Traced {
    body: AnyBody,
    exchange: Exchange,
}

impl Body for Traced {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Self { body, exchange } = self.get_mut();
        let frame = ready!(exchange.run(|| Pin::new(body).poll_frame(cx)));
        match &frame {
            Some(Ok(frame)) => exchange.data(frame.data_ref().map_or(0, Bytes::len)),
            Some(Err(_)) => exchange.finish(End::BodyError),
            None => exchange.finish(End::Complete),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // A server may drop a body after its last byte without polling it again.
        if self.body.is_end_stream() {
            self.exchange.finish(End::Complete);
        }
        let body = mem::take(&mut self.body);
        self.exchange.run(|| drop(body));
    }
}
