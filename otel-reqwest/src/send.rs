//! A request goes out, a response or an error comes back.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use http::Extensions;
use http::header::USER_AGENT;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Next, Result};

use crate::attempt::{Attempt, End, parent};
use crate::config::Config;
use crate::end_at::EndAt;
use crate::redirect::{Copy, TooManyRedirects};
use crate::resend::{self, Counted};
use crate::{body, error_type, propagate};

/// What a middleware returns.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends a request as one attempt.
///
/// What can be done before is done before the future is made: it is allocated, and grows with all that it has to keep.
pub(crate) fn send<'a>(
    config: &Arc<Config>,
    request: Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> BoxFuture<'a, Result<Response>> {
    Box::pin(attempt(config, request, extensions, next, finish))
}

/// Sends a request with all the hops that it is redirected to, as one attempt each.
pub(crate) async fn follow(
    config: &Arc<Config>,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
    mut left: u32,
) -> Result<Response> {
    loop {
        let copy = Copy::of(&mut request);
        let both = |attempt, result| (attempt, result);
        let sending = attempt(config, request, extensions, next.clone(), both);
        let (mut attempt, result) = sending.await;
        let hop = match &result {
            Ok(response) => copy.and_then(|copy| copy.redirected(response)),
            Err(_) => None,
        };
        let Some(hop) = hop else {
            return finish(attempt, result);
        };
        if left == 0 {
            attempt.finish(End::Failed(error_type::REDIRECT));
            return Err(Error::middleware(TooManyRedirects::new()));
        }
        left -= 1;
        attempt.finish(End::Complete);
        request = hop;
    }
}

/// Sends a request without a span of its own; the context that is active goes along.
pub(crate) fn pass<'a>(
    config: &Config,
    mut request: Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
) -> BoxFuture<'a, Result<Response>> {
    propagate::inject(config, &parent(), &mut request, extensions);
    next.run(request, extensions)
}

/// Sends one request, notes the head of its response, and does what is then to be done.
fn attempt<'a, T>(
    config: &Arc<Config>,
    mut request: Request,
    extensions: &'a mut Extensions,
    next: Next<'a>,
    then: fn(Attempt, Result<Response>) -> T,
) -> impl Future<Output = T> + use<'a, T> {
    if let Some(user_agent) = &config.user_agent {
        let field = request.headers_mut().entry(USER_AGENT);
        field.or_insert_with(|| user_agent.clone());
    }
    let resends = resend::count(extensions);
    let mut attempt = Attempt::open(config, &request, extensions, resends);
    attempt.send(request.body_mut());
    propagate::inject(config, attempt.context(), &mut request, extensions);
    let mut counted = Counted::new(extensions);
    async move {
        let mut sent = counted.run(next, request);
        let result = poll_fn(|task| {
            let _active = attempt.context().clone().attach();
            Pin::new(&mut sent).poll(task)
        })
        .await;
        drop(sent);
        counted.end(&result);
        if let Ok(response) = &result {
            attempt.respond(response, counted.extensions());
        }
        then(attempt, result)
    }
}

fn finish(mut attempt: Attempt, result: Result<Response>) -> Result<Response> {
    match result {
        Ok(response) if attempt.config().end_at == EndAt::Body => {
            Ok(body::watch_response(response, attempt))
        }
        Ok(response) => {
            attempt.finish(End::Complete);
            Ok(response)
        }
        Err(error) => {
            attempt.finish(End::Failed(error_type::of_error(&error)));
            Err(error)
        }
    }
}
