//! What is hidden, and what is shown: one table for each place that a secret can be in.

use std::borrow::Cow;

use opentelemetry::{Array, KeyValue, Value};
use otel_core::redact::{REDACTED, Secrets};

fn redacted_query(query: &str) -> String {
    Secrets::default().query(query).into_owned()
}

fn redacted_url(url: &str) -> String {
    Secrets::default().url(url).into_owned()
}

fn redacted_text(text: &str) -> String {
    Secrets::default().text(text).into_owned()
}

#[test]
fn a_secret_key_is_found_in_every_spelling() {
    let keys = [
        "AWSAccessKeyId",
        "Signature",
        "X-Amz-Credential",
        "X-Amz-Security-Token",
        "X-Amz-Signature",
        "X-Goog-Signature",
        "sig",
        "SIG",
        "Sig",
        "signature",
        "oauth_signature",
        "hmac",
        "accessToken",
        "access-token",
        "access_token",
        "ACCESS_TOKEN",
        "accesstoken",
        "x_api_key",
        "x-api-key",
        "apiKey",
        "apikey",
        "reset_token",
        "private_token",
        "webhook_secret",
        "clientSecret",
        "client_assertion",
        "password",
        "passwordConfirm",
        "password_confirmation",
        "new_password2",
        "passwd",
        "pwd",
        "user[password]",
        "user[password][]",
        "password[]",
        "user.password",
        "user[profile][access_token]",
        "+token",
        "%20token",
        "%74oken",
        "%2574oken",
        "user%5Bpassword%5D",
        "id_token_hint",
        "code_verifier",
        "SAMLResponse",
        "SAMLRequest",
        "openid.sig",
        "jsessionid",
        "PHPSESSID",
        "sessionId",
        "session",
        "otp",
        "pin",
        "auth",
        "key",
        "dsn",
        "secret",
        "jwt",
        "credentials",
        "verification_code",
    ];
    for key in keys {
        let hidden = format!("a=1&{key}=REDACTED&b=2");
        assert_eq!(
            redacted_query(&format!("a=1&{key}=abc&b=2")),
            hidden,
            "{key}"
        );
        assert_eq!(
            redacted_query(&format!("{key}=123456")),
            format!("{key}=REDACTED")
        );
        let url = format!("https://h.example/p?{key}=abc#top");
        assert_eq!(
            redacted_url(&url),
            format!("https://h.example/p?{key}=REDACTED#top")
        );
    }
}

#[test]
fn other_keys_are_shown() {
    let queries = [
        "q=a&b=c",
        "page=2&sort=key_asc",
        "prompt_tokens=5",
        "max_tokens=100",
        "token_count=7",
        "is_secret=false",
        "has_password=true",
        "token_type=bearer",
        "token_expires_at=7",
        "password_length=12",
        "author=ada",
        "keyword=x",
        "design=x",
        "passenger=7",
        "shipping=fast",
        "compass=n",
        "code=DE",
        "state=open",
        "zip_code=1&state=CA",
        "monkey=1",
        "sort_key=name",
        "sig&x=1",
        "sig=&x=1",
        "%zz=1&%=2",
        "q=100%&x=%2",
        "",
        "&&;;??##==",
    ];
    for query in queries {
        let shown = Secrets::default();
        assert!(
            matches!(shown.query(query), Cow::Borrowed(it) if it == query),
            "{query}"
        );
    }
}

#[test]
fn nested_urls_hide_what_is_secret_and_show_the_rest() {
    let table = [
        ("next=/cb?token=a&x=1", "next=/cb?token=REDACTED&x=1"),
        (
            "next=https%3A%2F%2Fh%2Fcb%3Ftoken%3Dabc%26x%3D1&page=2",
            "next=https%3A%2F%2Fh%2Fcb%3Ftoken%3DREDACTED%26x%3D1&page=2",
        ),
        (
            "next=https%3A%2F%2Fada%3Apw%40h%2Fcb&page=2",
            "next=https%3A%2F%2FREDACTED:REDACTED%40h%2Fcb&page=2",
        ),
        (
            "next=https://ada:pw@h/cb&page=2",
            "next=https://REDACTED:REDACTED@h/cb&page=2",
        ),
        ("next=//ada:pw@h/cb", "next=//REDACTED:REDACTED@h/cb"),
        (
            "next=https%253A%252F%252Fh%252Fcb%253Ftoken%253Dabc",
            "next=https%253A%252F%252Fh%252Fcb%253Ftoken%253DREDACTED",
        ),
        (
            "https%3A%2F%2Fh%2F%3Ftoken%3Dabc",
            "https%3A%2F%2Fh%2F%3Ftoken%3DREDACTED",
        ),
        ("state=token%3Dabc", "state=token%3DREDACTED"),
        ("q=token=abc", "q=token=REDACTED"),
        ("next=/cb%3Ftoken=abc", "next=/cb%3Ftoken=REDACTED"),
        (
            "next=%2Fcb%3Fuser%255Bpassword%255D%3Dabc",
            "next=%2Fcb%3Fuser%255Bpassword%255D%3DREDACTED",
        ),
    ];
    for (query, expected) in table {
        assert_eq!(redacted_query(query), expected);
        let url = format!("https://h.example/?{query}");
        assert_eq!(redacted_url(&url), format!("https://h.example/?{expected}"));
        let again = redacted_query(expected);
        assert_eq!(again, expected, "twice");
    }
}

#[test]
fn a_secret_value_is_hidden_to_its_end() {
    let table = [
        ("token=abc;def", "token=REDACTED"),
        ("token=abc;def&x=1", "token=REDACTED&x=1"),
        ("token=abc?def", "token=REDACTED"),
        ("token=a=b=&x=1", "token=REDACTED&x=1"),
        ("x=1;token=a;y=2", "x=1;token=REDACTED;y=2"),
        ("token=abc;", "token=REDACTED"),
        ("q=%7e+%20&token=a&é=ü", "q=%7e+%20&token=REDACTED&é=ü"),
        ("sig=a&x=1&sig=b", "sig=REDACTED&x=1&sig=REDACTED"),
        ("token=%61%62", "token=REDACTED"),
        ("token=ä", "token=REDACTED"),
    ];
    for (query, expected) in table {
        assert_eq!(redacted_query(query), expected);
    }
}

#[test]
fn the_code_of_an_oauth_login_is_hidden() {
    let table = [
        ("code=abc&state=x", "code=REDACTED&state=x"),
        ("state=x&code=abc", "state=x&code=REDACTED"),
        ("%63ode=abc&STATE=x", "%63ode=REDACTED&STATE=x"),
        ("code=abc", "code=abc"),
        (
            "next=%2Fcb%3Fcode%3Dabc%26state%3Dx",
            "next=%2Fcb%3Fcode%3DREDACTED%26state%3Dx",
        ),
    ];
    for (query, expected) in table {
        assert_eq!(redacted_query(query), expected);
    }
    assert_eq!(
        redacted_url("https://h/cb#code=abc&state=x"),
        "https://h/cb#code=REDACTED&state=x"
    );
}

#[test]
fn user_info_of_urls_is_hidden() {
    let table = [
        (
            "https://ada:pw@h.example/",
            "https://REDACTED:REDACTED@h.example/",
        ),
        ("https://ada@h.example/", "https://REDACTED@h.example/"),
        (
            "https://:pw@h.example",
            "https://REDACTED:REDACTED@h.example",
        ),
        (
            "https://a:p@w@h.example",
            "https://REDACTED:REDACTED@h.example",
        ),
        ("https://h.example/a@b", "https://h.example/a@b"),
        ("https://h.example?x=a@b", "https://h.example?x=a@b"),
        ("https://h.example:80/a@b", "https://h.example:80/a@b"),
        (
            "https://[2001:db8::1]:80/a@b",
            "https://[2001:db8::1]:80/a@b",
        ),
        ("https://[2001:db8::1]/a@b", "https://[2001:db8::1]/a@b"),
        (
            "https://a@h.example/?sig=x#top",
            "https://REDACTED@h.example/?sig=REDACTED#top",
        ),
        (
            "https://h.example/#access_token=x",
            "https://h.example/#access_token=REDACTED",
        ),
        (
            "postgres://user:pw@h/db",
            "postgres://REDACTED:REDACTED@h/db",
        ),
        (
            "postgres://user:p/w@h/db",
            "postgres://REDACTED:REDACTED@h/db",
        ),
        ("redis://:pw@h:6379/0", "redis://REDACTED:REDACTED@h:6379/0"),
        ("//ada:pw@h/", "//REDACTED:REDACTED@h/"),
        (
            "/proxy/https://ada:pw@h/",
            "/proxy/https://REDACTED:REDACTED@h/",
        ),
        ("mailto:ada?token=abc//a@b", "mailto:ada?token=REDACTED"),
        ("file:/a//b@c", "file:/a//b@c"),
        ("sig=x", "sig=REDACTED"),
        ("5; url=http://h/?sig=abc", "5; url=http://h/?sig=REDACTED"),
    ];
    for (url, expected) in table {
        assert_eq!(redacted_url(url), expected);
    }
}

#[test]
fn secrets_in_paths_that_have_a_name_are_hidden() {
    let table = [
        (
            "/cart;jsessionid=abc/items",
            "/cart;jsessionid=REDACTED/items",
        ),
        ("/cart;v=1;jsessionid=abc", "/cart;v=1;jsessionid=REDACTED"),
        ("/token=abc/items", "/token=REDACTED/items"),
        (
            "/to/https%3A%2F%2Fada%3Apw%40h%2F",
            "/to/https%3A%2F%2FREDACTED:REDACTED%40h%2F",
        ),
        ("/a/b@c", "/a/b@c"),
        ("/a%20b/x=1", "/a%20b/x=1"),
    ];
    for (path, expected) in table {
        assert_eq!(Secrets::default().path(path), expected);
        assert_eq!(
            redacted_url(&format!("https://h{path}?x=1")),
            format!("https://h{expected}?x=1")
        );
    }
}

#[test]
fn passwords_of_urls_within_texts_are_hidden() {
    let table = [
        (
            "cannot reach postgres://user:pw@h/db: refused",
            "cannot reach postgres://REDACTED:REDACTED@h/db: refused",
        ),
        (
            "amqp://a:b@h1 and amqp://c:d@h2",
            "amqp://REDACTED:REDACTED@h1 and amqp://REDACTED:REDACTED@h2",
        ),
        (
            r#"{"url":"https://a:b@h/"}"#,
            r#"{"url":"https://REDACTED:REDACTED@h/"}"#,
        ),
        (
            "see https://h/a, or mail ada@h",
            "see https://h/a, or mail ada@h",
        ),
        ("mail ada@h.example", "mail ada@h.example"),
        ("https://h\nada@h", "https://h\nada@h"),
        ("// a comment by ada@h", "// a comment by ada@h"),
    ];
    for (text, expected) in table {
        assert_eq!(redacted_text(text), expected);
    }
}

#[test]
fn secret_headers_are_known_by_their_names() {
    let secret = [
        "authorization",
        "proxy-authorization",
        "x-forwarded-authorization",
        "authentication-info",
        "cookie",
        "set-cookie",
        "x-api-key",
        "api-key",
        "apikey",
        "x_api_key",
        "x-apikey",
        "x-access-key-id",
        "x-api-keys",
        "ocp-apim-subscription-key",
        "x-amz-server-side-encryption-customer-key-md5",
        "x-auth",
        "x-auth-user",
        "x-auth-request-email",
        "x-auth-token",
        "x-csrf-token",
        "x-csrftoken",
        "x-xsrf",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-credential",
        "x-hub-signature-256",
        "x-sig",
        "x-client-secret",
        "x-password",
        "x-passwd",
        "x-passphrase",
        "x-pass",
        "x-pwd",
        "x-otp",
        "dpop",
        "x-session-id",
        "x-amzn-oidc-data",
        "x-goog-iap-jwt-assertion",
        "x-saml-assertion",
        "x-saml",
        "x-hmac",
        "x-jwt",
        "baggage",
        "ot-baggage-user",
        "x-forwarded-client-cert",
        "ssl-client-cert",
        "x-ssl-cert",
        "sec-websocket-protocol",
        "sec-websocket-key",
        "x-ms-client-principal",
        "idempotency-key",
        "Authorization",
        "x-pin",
        "x-sid",
        "x-tls-certificate",
        "x-psk",
    ];
    for name in secret {
        assert!(Secrets::default().is_secret_header(name), "{name}");
    }
    let shown = [
        "x-request-id",
        "x-correlation-id",
        "content-type",
        "content-length",
        "user-agent",
        "www-authenticate",
        "x-author",
        "x-design",
        "x-passenger",
        "x-keyword",
        "keep-alive",
        "traceparent",
        "tracestate",
        "x-forwarded-for",
        "x-ratelimit-remaining-tokens",
        "x-shipping",
        "accept-encoding",
        "certainly",
        "x-tenant-name",
    ];
    for name in shown {
        assert!(!Secrets::default().is_secret_header(name), "{name}");
    }
}

#[test]
fn fields_are_secret_by_name_and_not_by_type() {
    let secret = [
        "password",
        "Password",
        "user.password",
        "db_password",
        "password_hash",
        "user.password.hash",
        "apiKey",
        "x-api-key",
        "X-Auth-Token",
        "accessToken",
        "access-token",
        "DBPassword",
        "APIToken",
        "old_passwords",
        "http.request.header.authorization",
        "rpc.request.header.x-api-key",
        "set-cookie",
        "otp",
        "pin",
        "user.pin",
        "token",
        "token2",
        "token_v2",
        "token.value",
        "private_key",
        "private_keys",
        "secretKey",
        "aws_secret_access_key",
        "reset_token",
        "webhook_secret",
        "signature",
        "session_id",
        "authorization",
        "credentials",
        "jwt",
        "auth",
        "user[password]",
        "private_key_pem",
        "SecretString",
        "password_text",
        "x-token-bin",
        "totpCode",
        "client_assertion",
        "saml_assertion",
        "SAMLRequest",
    ];
    for name in secret {
        assert!(Secrets::default().is_secret(name), "{name}");
    }
    let shown = [
        "is_secret",
        "is_token",
        "user.is_secret",
        "has_password",
        "isSecret",
        "prompt_tokens",
        "gen_ai.usage.input_tokens",
        "gen_ai.token.type",
        "token_count",
        "tokenCount",
        "tokens",
        "compass",
        "password.length",
        "password_length",
        "token_type",
        "token_expires_in",
        "secret_name",
        "author",
        "message",
        "session.id",
        "session.previous_id",
        "enduser.id",
        "messaging.kafka.message.key",
        "feature_flag.key",
        "primary_key",
        "cache_key",
        "key",
        "pass",
        "status_code",
        "code",
        "http.request.header.x-request-id",
        "aws.secretsmanager.secret.arn",
        "shipping",
        "",
        "...",
    ];
    for name in shown {
        assert!(!Secrets::default().is_secret(name), "{name}");
    }
}

fn redacted(name: &'static str, value: impl Into<Value>) -> Value {
    let mut attribute = KeyValue::new(name, value);
    Secrets::default().redact(&mut attribute);
    attribute.value
}

#[test]
fn an_attribute_hides_secrets_and_passwords_of_connections() {
    let table = [
        ("password", "abc", REDACTED),
        (
            "dsn",
            "postgres://user:pw@h/db",
            "postgres://REDACTED:REDACTED@h/db",
        ),
        ("dsn", "https://abc@h/1", "https://REDACTED@h/1"),
        ("sentry_dsn", "host=h password=pw", REDACTED),
        ("db.connection_string", "Server=h;Password=pw", REDACTED),
        (
            "database_url",
            "postgres://h/db?password=pw",
            "postgres://h/db?password=REDACTED",
        ),
        (
            "target",
            "postgres://user:pw@h/db",
            "postgres://REDACTED:REDACTED@h/db",
        ),
        ("uri", "/cb?token=abc&x=1", "/cb?token=REDACTED&x=1"),
        ("callbackUrl", "/cb?token=abc", "/cb?token=REDACTED"),
        ("url.query", "token=abc", "token=REDACTED"),
        ("url.fragment", "access_token=abc", "access_token=REDACTED"),
        ("url.path", "/a;token=abc/b", "/a;token=REDACTED/b"),
        ("http.target", "/cb?token=abc", "/cb?token=REDACTED"),
        ("db.query.text", "SELECT token = 7", "SELECT token = 7"),
        ("note", "token=abc", "token=abc"),
    ];
    for (name, value, expected) in table {
        assert_eq!(redacted(name, value), Value::from(expected), "{name}");
    }
    assert_eq!(redacted("otp", 123_456), Value::from(REDACTED));
    assert_eq!(redacted("is_secret", false), Value::Bool(false));
    assert_eq!(redacted("prompt_tokens", 5), Value::I64(5));
    let list = |text: &str| {
        Value::Array(Array::String(vec![
            "a".to_owned().into(),
            text.to_owned().into(),
        ]))
    };
    assert_eq!(
        redacted("hosts", list("amqp://a:b@h")),
        list("amqp://REDACTED:REDACTED@h")
    );
}
