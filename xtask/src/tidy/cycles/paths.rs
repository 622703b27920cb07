//! The paths in code: which names it uses, and in which lines.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item};

use crate::tidy::cycles::imports::{self, Import};
use crate::tidy::syntax::{attributes, is_test, line, name};

/// A path that code uses, such as `Span`, `crate::trust::Trust` or `Kind::Missing`.
pub(super) struct UsedPath {
    pub(super) segments: Vec<String>,
    pub(super) line: usize,
}

/// The paths and imports of one item.
#[derive(Default)]
pub(super) struct Uses {
    pub(super) paths: Vec<UsedPath>,
    /// The `use` declarations inside of functions.
    pub(super) imports: Vec<Import>,
    /// Type parameters and variables.
    own_names: BTreeSet<String>,
}

/// Everything that an item names, without attributes, comments and code for unit tests.
pub(super) fn of(item: &Item) -> Uses {
    let mut uses = Uses::default();
    uses.visit_item(item);
    let Uses {
        paths, own_names, ..
    } = &mut uses;
    paths.retain(|path| match &*path.segments {
        [only] => !own_names.contains(only),
        _ => true,
    });
    uses
}

impl Visit<'_> for Uses {
    fn visit_attribute(&mut self, _: &Attribute) {}

    fn visit_item(&mut self, item: &Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &syn::ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &syn::ItemUse) {
        self.imports.extend(imports::of(item));
    }

    fn visit_type_param(&mut self, parameter: &syn::TypeParam) {
        self.own_names.insert(name(&parameter.ident));
        visit::visit_type_param(self, parameter);
    }

    fn visit_pat_ident(&mut self, pattern: &syn::PatIdent) {
        let name = name(&pattern.ident);
        // A capital starts the name of a constant.
        if !name.starts_with(char::is_uppercase) {
            self.own_names.insert(name);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_path(&mut self, path: &syn::Path) {
        if let (None, Some(first)) = (&path.leading_colon, path.segments.first()) {
            self.paths.push(UsedPath {
                segments: path.segments.iter().map(|it| name(&it.ident)).collect(),
                line: line(first.ident.span()),
            });
        }
        visit::visit_path(self, path);
    }

    fn visit_item_macro(&mut self, item: &syn::ItemMacro) {
        // What `macro_rules!` writes is resolved where the macro is called.
        if item.ident.is_none() {
            visit::visit_item_macro(self, item);
        }
    }

    fn visit_macro(&mut self, call: &syn::Macro) {
        visit::visit_macro(self, call);
        self.read_tokens(call.tokens.clone());
    }
}

impl Uses {
    /// Reads the arguments of a macro. They may have any form, so only certain paths count: names joined with `::`, the
    /// name of a type or constant, and a name in front of `(`.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let tokens = Vec::from_iter(tokens);
        let mut rest = tokens.as_slice();
        let mut marks = String::new();
        while let Some((token, after)) = rest.split_first() {
            rest = after;
            match token {
                TokenTree::Punct(mark) => marks.push(mark.as_char()),
                TokenTree::Literal(_) => marks.clear(),
                TokenTree::Group(group) => {
                    self.read_tokens(group.stream());
                    marks.clear();
                }
                TokenTree::Ident(first) => {
                    let mut segments = vec![name(first)];
                    while let [
                        TokenTree::Punct(one),
                        TokenTree::Punct(two),
                        TokenTree::Ident(next),
                        after @ ..,
                    ] = rest
                        && (one.as_char(), two.as_char()) == (':', ':')
                    {
                        segments.push(name(next));
                        rest = after;
                    }
                    if starts_path(&marks) && is_path(&segments, rest.first()) {
                        let line = line(first.span());
                        self.paths.push(UsedPath { segments, line });
                    }
                    marks.clear();
                }
            }
        }
    }
}

/// Returns false after the marks in front of a method, a field, a lifetime, a variable of `macro_rules!` or a path's end.
fn starts_path(marks: &str) -> bool {
    marks.ends_with("..") || !marks.ends_with(['.', '\'', '$']) && !marks.ends_with("::")
}

fn is_path(segments: &[String], next: Option<&TokenTree>) -> bool {
    let is_call = matches!(next, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
    let is_type = segments
        .iter()
        .all(|name| name.starts_with(char::is_uppercase));
    segments.len() > 1 || is_call || is_type
}
