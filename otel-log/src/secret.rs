//! Recognizes fields that hold secrets by their names.

use std::borrow::Cow;

/// The text that is written instead of a secret.
pub const REDACTED: &str = "REDACTED";

/// A list of words. A field is a secret if its name ends with one of them.
///
/// Each [`Layer`](crate::Layer) has such a list. Use this type to redact fields elsewhere, as `otel-setup` does with the
/// attributes of spans. The default list contains `password`, `secret`, `token`, `authorization`, `cookie`, `api_key`,
/// `credentials` and similar words.
///
/// ```
/// let secrets = otel_log::SecretNames::default().and(["iban"]);
/// assert!(secrets.contains("user.password") && secrets.contains("customerIban"));
/// assert!(!secrets.contains("token_count"));
/// ```
#[derive(Debug, Clone)]
pub struct SecretNames(Vec<Cow<'static, str>>);

impl SecretNames {
    /// Creates a list of these words only, without the default list.
    pub fn dangerously_only(words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self(Vec::new()).and(words)
    }

    /// Adds words to the list.
    #[must_use]
    pub fn and(mut self, words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let words = words.into_iter();
        self.0
            .extend(words.map(|word| Cow::Owned(plain(word.as_ref()))));
        self
    }

    /// Returns the words of the list, in lower case and with underscores.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|word| &**word)
    }

    /// Returns whether the part of the name after the last dot is one of the words or ends with one.
    ///
    /// `user.password`, `apiKey` and `X-Auth-Token` are secrets by default; `token_count` is not.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        let name = plain(name.rsplit('.').next().unwrap_or(name));
        self.words().any(|word| {
            let before = name.strip_suffix(word);
            before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
        })
    }
}

impl Default for SecretNames {
    fn default() -> Self {
        Self(DEFAULT.map(Cow::Borrowed).to_vec())
    }
}

/// Returns the name in lower case, with an underscore before each word of `kebab-case` and `camelCase`: `db_password` for
/// `DBPassword`.
fn plain(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut letters = name.chars().peekable();
    let mut before = '_';
    while let Some(letter) = letters.next() {
        let ends_a_word = before.is_ascii_lowercase() || before.is_ascii_digit();
        let ends_an_acronym =
            before.is_ascii_uppercase() && letters.peek().is_some_and(char::is_ascii_lowercase);
        if letter.is_ascii_uppercase() && (ends_a_word || ends_an_acronym) {
            plain.push('_');
        }
        plain.push(if letter == '-' {
            '_'
        } else {
            letter.to_ascii_lowercase()
        });
        before = letter;
    }
    plain
}

const DEFAULT: [&str; 27] = [
    "access_key",
    "access_keys",
    "api_key",
    "api_keys",
    "apikey",
    "auth",
    "authorization",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "jwt",
    "otp",
    "passphrase",
    "passwd",
    "password",
    "password_hash",
    "passwords",
    "pin",
    "private_key",
    "private_keys",
    "pwd",
    "secret",
    "secret_key",
    "secrets",
    "session_id",
    "token",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_known_in_any_spelling() {
        let secrets = SecretNames::default();
        let cases = [
            ("password", true),
            ("Password", true),
            ("user.password", true),
            ("db_password", true),
            ("password_hash", true),
            ("apiKey", true),
            ("x-api-key", true),
            ("X-Auth-Token", true),
            ("accessToken", true),
            ("DBPassword", true),
            ("APIToken", true),
            ("old_passwords", true),
            ("http.request.header.authorization", true),
            ("set-cookie", true),
            ("token_count", false),
            ("tokens", false),
            ("compass", false),
            ("password.length", false),
            ("author", false),
            ("message", false),
            ("", false),
        ];
        for (name, expected) in cases {
            assert_eq!(secrets.contains(name), expected, "{name}");
        }
    }

    #[test]
    fn the_list_is_replaced_or_added_to() {
        let replaced = SecretNames::dangerously_only(["IBAN"]);
        assert!(replaced.contains("user.iban") && !replaced.contains("password"));
        let added = SecretNames::default().and(["iban"]);
        assert!(added.contains("user.iban") && added.contains("password"));
        assert!(!SecretNames::dangerously_only([""; 0]).contains("password"));
        let again = SecretNames::dangerously_only(added.words());
        assert!(again.words().eq(added.words()));
    }
}
