//! Which fields hold secrets, told by their names.

use std::borrow::Cow;

/// What is written instead of a secret.
pub const REDACTED: &str = "REDACTED";

/// Words at the end of a field's name that make its value a secret.
///
/// A [`Layer`](crate::Layer) has its own; this is for what writes fields elsewhere, as `otel-setup` does with the attributes
/// of spans. The default is the list that [`Layer::secret_fields`](crate::Layer::secret_fields) names.
///
/// ```
/// let secrets = otel_log::SecretNames::default().and(["iban"]);
/// assert!(secrets.contains("user.password") && secrets.contains("customerIban"));
/// assert!(!secrets.contains("token_count"));
/// ```
#[derive(Debug, Clone)]
pub struct SecretNames(Cow<'static, [Cow<'static, str>]>);

impl SecretNames {
    /// Takes these words alone, and none of those that are known to name secrets.
    pub fn dangerously_only(words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let words = words.into_iter();
        Self(words.map(|word| Cow::Owned(plain(word.as_ref()))).collect())
    }

    /// Adds words.
    #[must_use]
    pub fn and(self, words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut all = self.0.into_owned();
        all.extend(Self::dangerously_only(words).0.into_owned());
        Self(all.into())
    }

    /// Returns all words, in lower case with underscores.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|word| &**word)
    }

    /// Whether the last part of the name is one of the words or ends with one: `user.password`, `apiKey`, `X-Auth-Token`,
    /// but not `token_count`.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        let name = plain(name.rsplit('.').next().unwrap_or(name));
        self.0.iter().any(|word| {
            let before = name.strip_suffix(&**word);
            before.is_some_and(|before| before.is_empty() || before.ends_with('_'))
        })
    }
}

impl Default for SecretNames {
    fn default() -> Self {
        Self(Cow::Borrowed(&DEFAULT))
    }
}

/// Lower case, with one underscore where a word of `kebab-case` or `camelCase` begins: `DBPassword` is `db_password`.
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

const DEFAULT: [Cow<'static, str>; 27] = [
    Cow::Borrowed("access_key"),
    Cow::Borrowed("access_keys"),
    Cow::Borrowed("api_key"),
    Cow::Borrowed("api_keys"),
    Cow::Borrowed("apikey"),
    Cow::Borrowed("auth"),
    Cow::Borrowed("authorization"),
    Cow::Borrowed("cookie"),
    Cow::Borrowed("cookies"),
    Cow::Borrowed("credential"),
    Cow::Borrowed("credentials"),
    Cow::Borrowed("jwt"),
    Cow::Borrowed("otp"),
    Cow::Borrowed("passphrase"),
    Cow::Borrowed("passwd"),
    Cow::Borrowed("password"),
    Cow::Borrowed("password_hash"),
    Cow::Borrowed("passwords"),
    Cow::Borrowed("pin"),
    Cow::Borrowed("private_key"),
    Cow::Borrowed("private_keys"),
    Cow::Borrowed("pwd"),
    Cow::Borrowed("secret"),
    Cow::Borrowed("secret_key"),
    Cow::Borrowed("secrets"),
    Cow::Borrowed("session_id"),
    Cow::Borrowed("token"),
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
