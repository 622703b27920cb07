//! Small questions to the syntax tree.

use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Ident, Item, Lit, Meta, Token};

/// The name as other files write it.
pub(super) fn name(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

pub(super) fn line(span: Span) -> usize {
    span.start().line
}

pub(super) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Returns true if the item is only compiled for unit tests.
pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let is_cfg = attribute.path().is_ident("cfg");
        is_cfg && attribute.parse_args().is_ok_and(|it: Meta| needs_test(&it))
    })
}

fn needs_test(condition: &Meta) -> bool {
    match condition {
        Meta::List(list) if list.path.is_ident("all") => arguments(list).iter().any(needs_test),
        Meta::List(list) if list.path.is_ident("any") => arguments(list).iter().all(needs_test),
        Meta::Path(path) => path.is_ident("test"),
        _ => false,
    }
}

/// The files that `#[path = "…"]` names, and whether one of them always replaces the usual file.
pub(super) fn named_files(attributes: &[Attribute]) -> (Vec<String>, bool) {
    let mut files = Vec::new();
    let mut is_always_named = false;
    for attribute in attributes {
        match &attribute.meta {
            Meta::List(list) if list.path.is_ident("cfg_attr") => {
                files.extend(arguments(list).iter().filter_map(named_file));
            }
            meta => {
                if let Some(file) = named_file(meta) {
                    files.push(file);
                    is_always_named = true;
                }
            }
        }
    }
    (files, is_always_named)
}

fn named_file(meta: &Meta) -> Option<String> {
    let Meta::NameValue(pair) = meta else {
        return None;
    };
    text(&pair.value).filter(|_| pair.path.is_ident("path"))
}

/// Returns the value of a literal text.
pub(super) fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Some(text.value()),
        _ => None,
    }
}

fn arguments(list: &syn::MetaList) -> Punctuated<Meta, Token![,]> {
    list.parse_args_with(Punctuated::parse_terminated)
        .unwrap_or_default()
}
