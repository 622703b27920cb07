//! The name of a span.

use super::RequestMethod;
use crate::kept_names::{Kind, find_or_keep};

/// `{method} {target}`, or `{method}` where there is no target of few values.
///
/// The target is `http.route` on a server and `url.template` on a client; never the path. An unknown method is `HTTP`.
#[must_use]
pub fn span_name(method: &RequestMethod, target: Option<&str>) -> String {
    let word = method.word();
    let Some(target) = target else {
        return word.to_owned();
    };
    let mut name = String::with_capacity(word.len() + 1 + target.len());
    name.push_str(word);
    name.push(' ');
    name.push_str(target);
    name
}

/// The same name, made once and kept for the life of the process; `None` when there are too many of them, or it is too long.
///
/// For targets that come from the program, and of which it has few.
#[must_use]
pub fn kept_span_name(method: &RequestMethod, target: Option<&str>) -> Option<&'static str> {
    find_or_keep(Kind::Route, method.word(), target)
}

#[cfg(test)]
mod tests {
    use ::http::Method;

    use super::super::KnownMethods;
    use super::*;

    #[test]
    fn a_name_is_method_and_target() {
        let known = KnownMethods::default();
        let get = known.find(&Method::GET);
        let other = known.find(&"BREW".parse().unwrap());
        assert_eq!(span_name(&get, Some("/users/{id}")), "GET /users/{id}");
        assert_eq!(span_name(&get, None), "GET");
        assert_eq!(span_name(&other, Some("/users/{id}")), "HTTP /users/{id}");
        assert_eq!(span_name(&other, None), "HTTP");
    }
}
