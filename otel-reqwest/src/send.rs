//! A request goes out, a response or an error comes back.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use http::Extensions;
use http::header::USER_AGENT;
use otel_core::ResponseHead;
use otel_core::client::{ClientCall, ClientConfig, End, EndAt, error_type::REDIRECT, parent};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Next, Result};

use crate::inject::inject;
use crate::redirect::{Copy, Redirects, TooManyRedirects};
use crate::resend::{self, Counted};
use crate::sent::SentRequest;
use crate::{body, error_type, final_url, sizes};

/// What a middleware was told.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) redirects: Redirects,
}

/// What a middleware returns.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends a request as one attempt.
///
/// What can be done before is done before the future is made: it is allocated, and grows with all that it has to keep.
pub(crate) fn send<'a>(
    settings: &Settings,
    request: Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> BoxFuture<'a, Result<Response>> {
    Box::pin(attempt(settings, request, false, extensions, next, finish))
}

/// Sends a request with all the hops that it is redirected to, as one attempt each.
pub(crate) async fn follow(
    settings: &Settings,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
    mut left: u32,
) -> Result<Response> {
    let mut has_new_path = false;
    loop {
        let copy = Copy::of(&mut request);
        let both = |call, result| (call, result);
        let next = next.clone();
        let sending = attempt(settings, request, has_new_path, extensions, next, both);
        let (mut call, result) = sending.await;
        let hop = match &result {
            Ok(response) => copy.and_then(|copy| copy.redirected(response)),
            Err(_) => None,
        };
        let Some((hop, is_new)) = hop else {
            return finish(call, result);
        };
        if left == 0 {
            call.finish(End::Failed(REDIRECT));
            return Err(Error::middleware(TooManyRedirects::new()));
        }
        left -= 1;
        call.finish(End::Complete);
        request = hop;
        has_new_path |= is_new;
    }
}

/// Sends a request without a span of its own; the context that is active goes along.
pub(crate) fn pass<'a>(
    settings: &Settings,
    mut request: Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> BoxFuture<'a, Result<Response>> {
    let Settings { config, redirects } = settings;
    inject(config, *redirects, &parent(), &mut request, extensions);
    next.run(request, extensions)
}

/// Sends one request, notes the head of its response, and does what is then to be done.
fn attempt<'a, T>(
    settings: &Settings,
    mut request: Request,
    has_new_path: bool,
    extensions: &'a mut Extensions,
    next: Next<'a>,
    then: fn(ClientCall, Result<Response>) -> T,
) -> impl Future<Output = T> + use<'a, T> {
    let Settings { config, redirects } = settings;
    let redirects = *redirects;
    if let Some(user_agent) = &config.user_agent {
        let field = request.headers_mut().entry(USER_AGENT);
        field.or_insert_with(|| user_agent.clone());
    }
    let resends = resend::count(extensions);
    let sent = SentRequest {
        request: &request,
        extensions,
        has_new_path,
    };
    let mut call = ClientCall::open(config, &sent, resends);
    if let Some(sizes) = call.sizes() {
        sizes::send(sizes, request.body_mut());
    }
    inject(config, redirects, call.context(), &mut request, extensions);
    let mut counted = Counted::new(extensions);
    async move {
        let mut sent = counted.run(next, request);
        let result = poll_fn(|task| call.run(|| Pin::new(&mut sent).poll(task))).await;
        drop(sent);
        counted.end(&result);
        if let Ok(response) = &result {
            respond(&mut call, response, redirects, counted.extensions());
        }
        then(call, result)
    }
}

/// Notes the response head.
fn respond(
    call: &mut ClientCall,
    response: &Response,
    redirects: Redirects,
    extensions: &Extensions,
) {
    let end_at = call.config().end_at;
    if let Some(sizes) = call.sizes() {
        // A body that is read through us is counted as it comes; of another one what its head promises is known.
        sizes.expect(match end_at {
            EndAt::Body => Some(0),
            _ => response.content_length(),
        });
    }
    // What never came over a socket, as in a test, has no peer, and no URL to compare.
    let peer = call.url_full().and_then(|_| response.remote_addr());
    if peer.is_some() {
        final_url::note(call, response, redirects);
    }
    let head = ResponseHead::new(
        response.status(),
        response.version(),
        response.headers(),
        response.extensions(),
    );
    call.respond(&head, peer, extensions);
}

fn finish(mut call: ClientCall, result: Result<Response>) -> Result<Response> {
    match result {
        Ok(response) if call.config().end_at == EndAt::Body => {
            Ok(body::watch_response(response, call))
        }
        Ok(response) => {
            call.finish(End::Complete);
            Ok(response)
        }
        Err(error) => {
            call.finish(End::Failed(error_type::of_error(&error)));
            Err(error)
        }
    }
}
