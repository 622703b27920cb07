//! The made-up secrets of one audit, and the requests that carry them.

use axum::http::{Method, Request, Uri, header};
use opentelemetry_sdk::trace::{IdGenerator as _, RandomIdGenerator};

use super::AuditError;

/// A secret that exists only for this audit, so that wherever it is seen, it came from there.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    pub(super) source: &'static str,
    pub(super) secret: String,
}

/// Where a client puts secrets. The names are what `--allow` and reports use.
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

pub(super) fn fresh() -> Vec<Canary> {
    let ids = RandomIdGenerator::default();
    let canary = |source| Canary {
        source,
        secret: secret(u128::from_be_bytes(ids.new_trace_id().to_bytes())),
    };
    SOURCES.into_iter().map(canary).collect()
}

/// Letters of both cases and digits, so that lower-casing shows, and a slash, so that percent-encoding does.
fn secret(mut random: u128) -> String {
    let mut secret = String::from("Kz");
    for place in 0..20 {
        if place == 9 {
            secret.push('/');
        }
        let digit = usize::try_from(random % 62).unwrap_or_default();
        random /= 62;
        secret.push(DIGITS.get(digit).copied().map_or('0', char::from));
    }
    secret
}

/// The requests: one with a bearer token, one with user info, one with a body.
pub(super) fn requests(
    canaries: &[Canary],
    user_agent: &str,
    url: &str,
) -> Result<Vec<Request<String>>, AuditError> {
    let secret = |source: &str| {
        let canary = canaries.iter().find(|canary| canary.source == source);
        canary.map_or("", |canary| canary.secret.as_str())
    };
    let uri = with_query(url, &secret)?;
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
    // What a client makes of http://ada:secret@host/ (RFC 7617).
    let user_info = crate::leak::base64(format!("ada:{}", secret("user-info")).as_bytes());
    let body = serde_json::json!({"user": "ada", "password": secret("body")}).to_string();
    let requests = [
        get(format!("Bearer {}", secret("authorization"))).body(String::new()),
        get(format!("Basic {user_info}")).body(String::new()),
        get(format!("Bearer {}", secret("authorization")))
            .method(Method::POST)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body),
    ];
    let requests = requests.into_iter().collect::<Result<_, _>>();
    requests.map_err(|error| AuditError::new(format!("cannot ask {url}: {error}")))
}

fn with_query<'a>(url: &str, secret: &impl Fn(&'a str) -> &'a str) -> Result<Uri, AuditError> {
    let url = url.split('#').next().unwrap_or_default();
    let separator = if url.contains('?') { '&' } else { '?' };
    let encoded = |source| secret(source).replace('/', "%2F");
    let text = format!(
        "{url}{separator}token={}&sig={}&api_key={}",
        encoded("query-token"),
        encoded("query-sig"),
        encoded("query-api-key"),
    );
    text.parse()
        .map_err(|error| AuditError::new(format!("{url} is not a URL: {error}")))
}

const DIGITS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
