//! The made-up secrets of an audit, and the requests that carry them.

use axum::http::{Method, Request, Uri, header};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::error::AuditError;

/// A secret that exists only in one audit. Every place that shows it has got it from the audit's requests.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    pub(super) source: &'static str,
    pub(super) secret: String,
}

/// The places where clients send secrets, by their names in `--allow` and in reports.
pub(super) const SOURCES: [&str; 11] = [
    "authorization",
    "user-info",
    "cookie",
    "x-api-key",
    "api-key",
    "x-auth-token",
    "query-token",
    "query-sig",
    "query-api-key",
    "baggage",
    "body",
];

impl Canary {
    /// Creates a secret for each source.
    pub(super) fn new_set() -> Vec<Self> {
        let ids = RandomIdGenerator::default();
        SOURCES
            .into_iter()
            .map(|source| Self {
                source,
                secret: secret(&ids),
            })
            .collect()
    }
}

/// Creates a secret of letters in both cases, digits and a slash. So a lower-cased secret and a percent-encoded secret differ
/// from the original.
fn secret(ids: &RandomIdGenerator) -> String {
    let random = STANDARD_NO_PAD.encode(ids.new_trace_id().to_bytes());
    let random = random.replace(['+', '/'], "0");
    let (start, end) = random.split_at(9);
    format!("Kz{start}/{end}")
}

/// Creates three requests: with a bearer token, with user info, and with a body.
pub(super) fn requests(
    canaries: &[Canary],
    user_agent: &str,
    url: &str,
) -> Result<Vec<Request<String>>, AuditError> {
    let secret = |source| secret_of(canaries, source);
    let uri = with_query(canaries, url)?;
    let get = |authorization: String| {
        Request::get(&uri)
            .header(header::AUTHORIZATION, authorization)
            .header(
                header::COOKIE,
                format!("lang=en; session={}", secret("cookie")),
            )
            .header("x-api-key", secret("x-api-key"))
            .header("api-key", secret("api-key"))
            .header("x-auth-token", secret("x-auth-token"))
            .header("baggage", format!("session={}", secret("baggage")))
            .header(header::USER_AGENT, user_agent)
    };
    // Clients send this for http://ada:secret@host/ (RFC 7617).
    let user_info = STANDARD.encode(format!("ada:{}", secret("user-info")));
    let body = json!({"user": "ada", "password": secret("body")}).to_string();
    let requests = [
        get(format!("Bearer {}", secret("authorization"))).body(String::new()),
        get(format!("Basic {user_info}")).body(String::new()),
        get(format!("Bearer {}", secret("authorization")))
            .method(Method::POST)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body),
    ];
    let requests = requests.into_iter().collect::<Result<_, _>>();
    requests.map_err(|error| AuditError(format!("cannot create a request to {url}: {error}")))
}

fn secret_of<'a>(canaries: &'a [Canary], source: &str) -> &'a str {
    let canary = canaries.iter().find(|canary| canary.source == source);
    canary.map_or("", |canary| canary.secret.as_str())
}

fn with_query(canaries: &[Canary], url: &str) -> Result<Uri, AuditError> {
    let url = url.split('#').next().unwrap_or_default();
    let separator = if url.contains('?') { '&' } else { '?' };
    let encoded = |source| utf8_percent_encode(secret_of(canaries, source), NON_ALPHANUMERIC);
    let text = format!(
        "{url}{separator}token={}&sig={}&api_key={}",
        encoded("query-token"),
        encoded("query-sig"),
        encoded("query-api-key"),
    );
    text.parse()
        .map_err(|error| AuditError(format!("invalid URL {url}: {error}")))
}
