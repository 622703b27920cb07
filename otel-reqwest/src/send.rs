//! A request goes out, a response or an error comes back.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Once};

use http::Extensions;
use http::header::USER_AGENT;
use otel_exchange::client::{
    ClientOptions, Destination, Exchange, OutgoingRequest, error_type::REDIRECT, parent,
};
use otel_exchange::{End, ResponseHead};
use reqwest::{Request, Response, Url};
use reqwest_middleware::{Error, Next, Result};

use crate::current_attempt::AttemptId;
use crate::inject::{inject, restrict};
use crate::redirect::{self, Copy, Redirects, TooManyRedirects};
use crate::resend::{self, Counted};
use crate::{body, error_type, sizes};

/// The settings of a middleware.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) options: Arc<ClientOptions>,
    pub(crate) redirects: Redirects,
}

/// The future of a middleware.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends a request as one attempt.
///
/// As much as possible is done before the future is made: the future is allocated and grows with what it holds.
pub(crate) fn send<'a>(
    settings: &Settings,
    request: Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> BoxFuture<'a, Result<Response>> {
    Box::pin(attempt(settings, request, false, extensions, next, finish))
}

/// Sends a request and follows its redirects, each as an attempt of its own.
pub(crate) async fn follow(
    settings: &Settings,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
    mut left: u32,
) -> Result<Response> {
    let mut has_new_path = false;
    loop {
        let copy = Copy::new(&mut request);
        let next = next.clone();
        let sending = attempt(settings, request, has_new_path, extensions, next, keep);
        let (mut exchange, result) = sending.await;
        let Some((hop, is_new)) = redirected(copy, &result) else {
            return finish(exchange, result);
        };
        if left == 0 {
            exchange.finish(End::Failed(REDIRECT));
            return Err(Error::middleware(TooManyRedirects::new()));
        }
        left -= 1;
        if let Some(sizes) = exchange.sizes() {
            sizes.set_response(None); // nobody reads the body of a redirect
        }
        exchange.finish(End::Complete);
        request = hop;
        has_new_path |= is_new;
    }
}

/// Sends a request without a span of its own and injects the active context.
pub(crate) fn pass<'a>(
    settings: &Settings,
    mut request: Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> BoxFuture<'a, Result<Response>> {
    let Settings { options, redirects } = settings;
    let parent = parent(extensions);
    inject(options, *redirects, &parent, &mut request, extensions);
    next.run(request, extensions)
}

/// Sends a request that a middleware further out has traced: without a span and without injecting anything.
///
/// Redirects are still followed, because the client does not follow them.
pub(crate) fn pass_traced<'a>(
    settings: &Settings,
    mut request: Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> BoxFuture<'a, Result<Response>> {
    warn_of_second_middleware();
    let options = Arc::clone(&settings.options);
    let redirects = settings.redirects;
    set_user_agent(&options, &mut request);
    let Redirects::Follow(mut left) = redirects else {
        restrict(&options, redirects, &mut request);
        return next.run(request, extensions);
    };
    Box::pin(async move {
        loop {
            let copy = Copy::new(&mut request);
            restrict(&options, redirects, &mut request);
            let result = next.clone().run(request, extensions).await;
            let Some((hop, _)) = redirected(copy, &result) else {
                return result;
            };
            if left == 0 {
                return Err(Error::middleware(TooManyRedirects::new()));
            }
            left -= 1;
            request = hop;
        }
    })
}

#[cold]
fn warn_of_second_middleware() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::warn!(
            name: "two_layers",
            { event.name = "two_layers" },
            "a request has passed two of ClientMiddleware. The inner one opens no span: remove one of the two, which may be \
             in `otel_reqwest::wrap`; see docs/troubleshooting.md#two_layers"
        );
    });
}

fn set_user_agent(options: &ClientOptions, request: &mut Request) {
    if let Some(user_agent) = options.user_agent() {
        let field = request.headers_mut().entry(USER_AGENT);
        field.or_insert_with(|| user_agent.clone());
    }
}

/// Returns the request that a redirect response asks for, and `true` if its path differs.
fn redirected(copy: Option<Copy>, result: &Result<Response>) -> Option<(Request, bool)> {
    match result {
        Ok(response) => copy?.redirected(response),
        Err(_) => None,
    }
}

/// Sends one request and records the response head. Then calls `then`.
fn attempt<'a, T>(
    settings: &Settings,
    mut request: Request,
    has_new_path: bool,
    extensions: &'a mut Extensions,
    next: Next<'a>,
    then: fn(Exchange, Result<Response>) -> T,
) -> impl Future<Output = T> + use<'a, T> {
    let Settings { options, redirects } = settings;
    let redirects = *redirects;
    set_user_agent(options, &mut request);
    // Compared with the URL of the response, if the client must not follow redirects itself.
    let requested = (redirects != Redirects::ByClient).then(|| request.url().clone());
    let resends = resend::count(extensions);
    let mut outgoing = outgoing(&request, extensions);
    if has_new_path {
        outgoing = outgoing.without_url_template();
    }
    let mut exchange = Exchange::open(options, &outgoing, resends);
    if let Some(sizes) = exchange.sizes() {
        sizes::count(sizes, &mut request);
    }
    let context = exchange.context();
    inject(options, redirects, context, &mut request, extensions);
    // An attempt that is neither traced nor measured is left to a middleware further in.
    let id = exchange.is_traced().then(|| AttemptId::new(extensions));
    let mut counted = Counted::new(extensions);
    async move {
        // The future of `next` may be made here or by a middleware that is polled.
        let entered = id.map(AttemptId::enter);
        let mut sent = counted.run(next, request);
        drop(entered);
        let result = poll_fn(|task| {
            let _entered = id.map(AttemptId::enter);
            exchange.run(|| Pin::new(&mut sent).poll(task))
        })
        .await;
        drop(sent);
        counted.end(&result);
        if let Ok(response) = &result {
            respond(&mut exchange, response, requested.as_ref());
        }
        then(exchange, result)
    }
}

/// Describes a request to its exchange. The extensions are shared by all attempts of the request.
#[inline]
pub(crate) fn outgoing<'a>(
    request: &'a Request,
    extensions: &'a Extensions,
) -> OutgoingRequest<'a> {
    let url = request.url();
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default();
    OutgoingRequest::new(
        Destination::from_url(url.as_str(), host, port, url.path()),
        request.method(),
        request.version(),
        request.headers(),
        extensions,
    )
}

/// Records the response head.
fn respond(exchange: &mut Exchange, response: &Response, requested: Option<&Url>) {
    let ends_with_body = exchange.ends_with_body();
    if let Some(sizes) = exchange.sizes() {
        sizes.announce_response(response.content_length());
        if ends_with_body {
            sizes.set_response(Some(0));
        }
    }
    let is_peer_needed = exchange.is_recording() || requested.is_some();
    let peer = is_peer_needed.then(|| response.remote_addr()).flatten();
    // A response without a socket, as in a test, has no peer and no URL to compare.
    if let (Some(requested), Some(_)) = (requested, peer) {
        redirect::warn_if_followed(requested, response);
    }
    let head = ResponseHead::new(
        response.status(),
        response.version(),
        response.headers(),
        response.extensions(),
    );
    exchange.respond(&head, peer);
}

fn keep(exchange: Exchange, result: Result<Response>) -> (Exchange, Result<Response>) {
    (exchange, result)
}

fn finish(mut exchange: Exchange, result: Result<Response>) -> Result<Response> {
    match result {
        Ok(response) if exchange.ends_with_body() => Ok(body::wrap_response(response, exchange)),
        Ok(response) => {
            exchange.finish(End::Complete);
            Ok(response)
        }
        Err(error) => {
            let error_type = error_type::from_error(&exchange, &error);
            exchange.finish(End::Failed(error_type));
            Err(error)
        }
    }
}
