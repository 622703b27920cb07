//! Which headers hold secrets.

/// Returns `true` if a header with this lower-case name may hold a secret.
///
/// A wrong match costs one attribute. A missed match exports a credential on every span. The rules prefer wrong matches.
#[must_use]
pub fn is_secret_header(name: &str) -> bool {
    PARTS.iter().any(|part| name.contains(part)) || words(name).any(is_secret_word)
}

fn is_secret_word(word: &str) -> bool {
    WORDS.contains(&word) || KEYS.iter().any(|key| word.ends_with(key))
}

fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|character: char| !character.is_ascii_alphanumeric())
}

/// Matched anywhere in the name, so that vendors' prefixes and plurals match too.
const PARTS: [&str; 17] = [
    "assertion",      // x-goog-iap-jwt-assertion: a signed identity
    "authentication", // authentication-info, proxy-authentication-info
    "authorization",  // authorization, proxy-authorization, x-forwarded-authorization
    "baggage",        // application data of any kind, from any service on the way
    "cookie",         // cookie, set-cookie
    "credential",     // x-amz-credential
    "csrf",           // x-csrftoken, csrf
    "jwt",            // cf-access-jwt-assertion, x-jwt
    "oidc",           // x-amzn-oidc-data
    "passphrase",     //
    "passwd",         //
    "password",       //
    "secret",         // x-client-secret
    "session",        // x-session-id: its holder is logged in
    "signature",      // x-amz-signature, x-hub-signature-256
    "token",          // x-auth-token, x-amz-security-token, x-vault-token
    "xsrf",           //
];

/// Matched only as a whole word, because they are parts of harmless words (`author`, `design`).
const WORDS: [&str; 6] = [
    "auth", // x-auth, x-auth-request-email
    "dpop", // RFC 9449
    "otp",  //
    "pass", //
    "pwd",  //
    "sig",  //
];

/// Matched at the end of a word: x-api-key, x-apikey, x-access-key-id, but not `x-keyword`.
const KEYS: [&str; 2] = ["key", "keys"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_recognized_by_their_names() {
        let table = [
            ("authorization", true),
            ("proxy-authorization", true),
            ("x-forwarded-authorization", true),
            ("authentication-info", true),
            ("cookie", true),
            ("set-cookie", true),
            ("x-api-key", true),
            ("api-key", true),
            ("apikey", true),
            ("x_api_key", true),
            ("x-apikey", true),
            ("x-access-key-id", true),
            ("x-api-keys", true),
            ("ocp-apim-subscription-key", true),
            ("x-amz-server-side-encryption-customer-key-md5", true),
            ("x-auth", true),
            ("x-auth-token", true),
            ("x-csrf-token", true),
            ("x-csrftoken", true),
            ("x-xsrf", true),
            ("x-amz-security-token", true),
            ("x-amz-signature", true),
            ("x-amz-credential", true),
            ("x-hub-signature-256", true),
            ("x-sig", true),
            ("x-client-secret", true),
            ("x-password", true),
            ("x-passwd", true),
            ("x-passphrase", true),
            ("x-pass", true),
            ("x-pwd", true),
            ("x-otp", true),
            ("dpop", true),
            ("x-session-id", true),
            ("x-amzn-oidc-data", true),
            ("x-goog-iap-jwt-assertion", true),
            ("x-saml-assertion", true),
            ("x-jwt", true),
            ("baggage", true),
            ("ot-baggage-user", true),
            ("x-request-id", false),
            ("x-correlation-id", false),
            ("content-type", false),
            ("content-length", false),
            ("user-agent", false),
            ("www-authenticate", false),
            ("x-author", false),
            ("x-design", false),
            ("x-passenger", false),
            ("x-keyword", false),
            ("keep-alive", false),
            ("traceparent", false),
            ("x-forwarded-for", false),
        ];
        for (name, expected) in table {
            assert_eq!(is_secret_header(name), expected, "{name}");
        }
    }
}
