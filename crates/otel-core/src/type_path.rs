//! The path of a type, for `error.type`.

/// Returns the path of the type with this [`type_name`](std::any::type_name), without type parameters.
///
/// A reference counts as its referent, and a type of the standard library that is not an error, such as `Arc<E>` or
/// `Option<E>`, as its first type parameter. Inside a closure, an async block or a generic block only the part after it is kept.
///
/// Returns `None` if nothing names the error: a trait object, a text, a number, a tuple, a function, a closure.
pub(crate) fn type_path(name: &'static str) -> Option<&'static str> {
    let name = referent(name);
    if is_unnamed(name) {
        return None;
    }
    let (name, parameters) = split_parameters(name);
    let path = last_identifiers(name)?;
    if is_container(path) {
        return first(parameters?).and_then(type_path);
    }
    Some(path)
}

fn referent(mut name: &'static str) -> &'static str {
    while let Some(referent) = name.strip_prefix('&') {
        name = match referent.split_once(' ') {
            Some((lifetime, referent)) if lifetime.starts_with('\'') => referent,
            _ => referent,
        };
        name = name.strip_prefix("mut ").unwrap_or(name);
    }
    name
}

/// Returns `true` for tuples, slices, pointers, functions and trait objects.
fn is_unnamed(name: &str) -> bool {
    name.starts_with(['(', '[', '*', '!'])
        || ["dyn ", "impl ", "fn(", "unsafe ", "extern ", "for<"]
            .iter()
            .any(|keyword| name.starts_with(keyword))
}

/// Splits `path<A, B>` into `path` and `A, B`.
fn split_parameters(name: &'static str) -> (&'static str, Option<&'static str>) {
    let Some(inner) = name.strip_suffix('>') else {
        return (name, None);
    };
    let mut depth = 1_usize;
    let mut after = '>';
    for (at, char) in inner.char_indices().rev() {
        match char {
            '<' => depth = depth.saturating_sub(1),
            '>' => depth += 1,
            // The arrow of a function is not a bracket.
            '-' if after == '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return (
                inner.get(..at).unwrap_or_default(),
                inner.get(at + char.len_utf8()..),
            );
        }
        after = char;
    }
    (name, None)
}

/// Returns the identifiers at the end of a path: what follows a closure or an `impl` block. Returns `None` for a primitive type.
fn last_identifiers(path: &'static str) -> Option<&'static str> {
    let is_other = |char: char| !char.is_alphanumeric() && !matches!(char, '_' | ':');
    let start = path.rfind(is_other).map_or(0, |at| at + 1);
    let identifiers = path.get(start..)?.trim_start_matches(':');
    let is_primitive = !path.contains("::");
    let is_name = identifiers.starts_with(|char: char| char.is_alphabetic() || char == '_');
    (is_name && !is_primitive).then_some(identifiers)
}

/// Returns `true` for types of the standard library that are not errors.
fn is_container(path: &str) -> bool {
    let is_std = ["core::", "alloc::", "std::"]
        .iter()
        .any(|name| path.starts_with(name));
    is_std && !path.ends_with("Error")
}

/// Returns the first type of a list.
fn first(parameters: &'static str) -> Option<&'static str> {
    let mut depth = 0_usize;
    let mut start = 0;
    let mut before = ' ';
    for (at, char) in parameters.char_indices() {
        match char {
            '<' | '(' | '[' => depth += 1,
            '>' if before == '-' => {}
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                let found = parameters.get(start..at)?.trim();
                if !found.starts_with('\'') {
                    return Some(found);
                }
                start = at + 1;
            }
            _ => {}
        }
        before = char;
    }
    parameters.get(start..).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_under_every_cover() {
        let table = [
            ("shop::Error", Some("shop::Error")),
            ("&shop::Error", Some("shop::Error")),
            ("&mut &shop::Error", Some("shop::Error")),
            ("&'static shop::Error", Some("shop::Error")),
            ("&'static mut shop::Error", Some("shop::Error")),
            ("shop::Own<alloc::string::String>", Some("shop::Own")),
            ("shop::Own<fn() -> u8>", Some("shop::Own")),
            (
                "shop::Own<fn(a::B<u8>) -> [a::C<u8>; 2], u8>",
                Some("shop::Own"),
            ),
            ("shop::Own<3>", Some("shop::Own")),
            ("alloc::sync::Arc<shop::Error>", Some("shop::Error")),
            ("alloc::boxed::Box<shop::Own<u8, u16>>", Some("shop::Own")),
            (
                "core::option::Option<alloc::rc::Rc<&shop::Error>>",
                Some("shop::Error"),
            ),
            (
                "core::pin::Pin<alloc::boxed::Box<shop::Error, other::Allocator>>",
                Some("shop::Error"),
            ),
            ("alloc::borrow::Cow<'_, shop::Error>", Some("shop::Error")),
            (
                "std::sync::poison::PoisonError<u8>",
                Some("std::sync::poison::PoisonError"),
            ),
            (
                "core::num::error::ParseIntError",
                Some("core::num::error::ParseIntError"),
            ),
            ("shop::main::{{closure}}::Failure", Some("Failure")),
            (
                "shop::main::{{closure}}::{{closure}}::Failure<u8>",
                Some("Failure"),
            ),
            (
                "shop::<impl shop::Cart>::pay::Declined",
                Some("pay::Declined"),
            ),
            (
                "<shop::Cart as shop::Pay<u8>>::pay::Declined",
                Some("pay::Declined"),
            ),
            ("shop::naïve::Größe", Some("shop::naïve::Größe")),
        ];
        for (name, expected) in table {
            assert_eq!(type_path(name), expected, "{name}");
        }
    }

    #[test]
    fn what_names_no_error_has_no_path() {
        for name in [
            "",
            "()",
            "(shop::Error, u8)",
            "&str",
            "&&str",
            "str",
            "u64",
            "bool",
            "!",
            "[u8]",
            "[shop::Error; 3]",
            "*const shop::Error",
            "fn(u8) -> shop::Error",
            "unsafe fn()",
            "for<'a> fn(&'a str)",
            "dyn core::error::Error",
            "&dyn core::error::Error + Send",
            "alloc::string::String",
            "alloc::boxed::Box<str>",
            "alloc::boxed::Box<dyn core::error::Error + core::marker::Send>",
            "alloc::sync::Arc<dyn core::error::Error>",
            "core::option::Option<()>",
            "alloc::vec::Vec<u8>",
            "core::convert::Infallible",
            "alloc::borrow::Cow<str>",
            "shop::main::{{closure}}",
            "&shop::main::{{closure}}",
            "alloc::boxed::Box<shop::main::{{closure}}>",
            "alloc::boxed::Box<fn() -> shop::Error>",
        ] {
            assert_eq!(type_path(name), None, "{name}");
        }
    }
}
