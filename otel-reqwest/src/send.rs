//! A request goes out, a response or an error comes back.

use std::sync::Arc;

use http::Extensions;
use http::header::USER_AGENT;
use opentelemetry::trace::FutureExt as _;
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Next, Result};

use crate::attempt::{Attempt, End, parent};
use crate::config::Config;
use crate::end_at::EndAt;
use crate::redirect::{Copy, Redirects, TooManyRedirects};
use crate::{body, error_type, propagate, resend};

/// Sends a request with all the hops that are ours to follow.
pub(crate) async fn send(
    config: &Arc<Config>,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Result<Response> {
    let Redirects::Follow(mut left) = config.redirects else {
        let (attempt, result) = send_once(config, request, extensions, next).await;
        return finish(attempt, result);
    };
    loop {
        let copy = Copy::of(&mut request);
        let (mut attempt, result) = send_once(config, request, extensions, next.clone()).await;
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
pub(crate) async fn pass(
    config: &Config,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> Result<Response> {
    propagate::inject(config, &parent(), &mut request, extensions);
    next.run(request, extensions).await
}

/// Sends one request and notes the head of its response.
async fn send_once(
    config: &Arc<Config>,
    mut request: Request,
    extensions: &mut Extensions,
    next: Next<'_>,
) -> (Attempt, Result<Response>) {
    if let Some(user_agent) = &config.user_agent {
        let field = request.headers_mut().entry(USER_AGENT);
        field.or_insert_with(|| user_agent.clone());
    }
    let resends = resend::count(extensions);
    let mut attempt = Attempt::open(config, &request, extensions, resends);
    attempt.send(request.body_mut());
    propagate::inject(config, attempt.context(), &mut request, extensions);
    let result = next
        .run(request, extensions)
        .with_context(attempt.context().clone())
        .await;
    if let Ok(response) = &result {
        attempt.respond(response, extensions);
    }
    (attempt, result)
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
