//! The arguments of macros that write events.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use syn::LitStr;

/// A call of a macro: `name!(arguments)`.
pub(super) struct Call {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) arguments: TokenStream,
}

/// Returns the calls inside the arguments of a macro, at any depth.
pub(super) fn calls(tokens: TokenStream) -> Vec<Call> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut calls = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match tokens.get(index..index + 3) {
            Some(
                [
                    TokenTree::Ident(name),
                    TokenTree::Punct(mark),
                    TokenTree::Group(group),
                ],
            ) if mark.as_char() == '!' => {
                calls.push(Call {
                    name: name.to_string(),
                    line: name.span().start().line,
                    arguments: group.stream(),
                });
            }
            _ => {}
        }
        if let TokenTree::Group(group) = token {
            calls.extend(self::calls(group.stream()));
        }
    }
    calls
}

/// What a call of `warn!`, `error!` or `event!` says about the name of the event.
#[derive(Default)]
pub(super) struct EventArguments {
    /// `name: …`.
    pub(super) name: Option<TokenStream>,
    /// The value of `event.name = …`, if this is the first field.
    pub(super) event_name: Option<TokenStream>,
    /// The level of `event!`, or else empty.
    pub(super) level: TokenStream,
}

impl EventArguments {
    /// Reads the arguments. `has_level` is true for `event!`.
    pub(super) fn read(arguments: TokenStream, has_level: bool) -> Self {
        let mut read = Self::default();
        let mut arguments = split_at_commas(arguments).into_iter().peekable();
        while let Some((key, value)) = arguments.peek().and_then(|it| directive(it)) {
            if key == "name" {
                read.name = Some(value);
            }
            arguments.next();
        }
        if has_level {
            read.level = arguments.next().into_iter().flatten().collect();
        }
        let mut first = arguments.next().unwrap_or_default();
        if let [TokenTree::Group(fields)] = first.as_slice()
            && fields.delimiter() == Delimiter::Brace
        {
            let fields = split_at_commas(fields.stream());
            first = fields.into_iter().next().unwrap_or_default();
        }
        read.event_name = event_name(&first);
        read
    }
}

/// Splits `name: value` of an option that comes before the fields.
fn directive(argument: &[TokenTree]) -> Option<(String, TokenStream)> {
    match argument {
        [TokenTree::Ident(key), TokenTree::Punct(colon), value @ ..]
            if colon.as_char() == ':' && colon.spacing() == Spacing::Alone =>
        {
            Some((key.to_string(), value.iter().cloned().collect()))
        }
        _ => None,
    }
}

/// Returns the value if the field is `event.name`.
fn event_name(field: &[TokenTree]) -> Option<TokenStream> {
    let assignment = field
        .iter()
        .position(|it| matches!(it, TokenTree::Punct(punct) if punct.as_char() == '='))?;
    let (key, value) = field.split_at(assignment);
    let key: String = key.iter().map(ToString::to_string).collect();
    let is_event_name = key == "event.name" || key == "\"event.name\"";
    is_event_name.then(|| value.iter().skip(1).cloned().collect())
}

fn split_at_commas(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    tokens.split(is_comma).map(<[_]>::to_vec).collect()
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')
}

/// Returns true if one of the tokens is this identifier, at any depth.
pub(super) fn has_ident(tokens: TokenStream, wanted: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == wanted,
        TokenTree::Group(group) => has_ident(group.stream(), wanted),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Returns the texts among the tokens, not at deeper levels.
pub(super) fn texts(tokens: TokenStream) -> impl Iterator<Item = String> {
    tokens.into_iter().filter_map(|token| {
        let text: LitStr = syn::parse2(token.into()).ok()?;
        Some(text.value())
    })
}
