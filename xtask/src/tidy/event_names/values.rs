//! The values that names of events can have: texts, constants, and texts that functions and structs named `event_name` give.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};
use syn::{Expr, ExprStruct, File, ImplItemFn, Item, ItemConst, ItemFn, Member, Signature};

use crate::tidy::syntax::{attributes, is_test, name, text};

/// The name of functions, methods, struct fields and variables that hold the name of an event.
const EVENT_NAME: &str = "event_name";

/// The texts in one crate that can be names.
#[derive(Default)]
pub(super) struct Values {
    /// The constants that are texts.
    constants: BTreeMap<String, String>,
    /// The texts in the bodies of functions.
    functions: BTreeMap<String, BTreeSet<String>>,
    /// The texts that struct fields named `event_name` have.
    fields: BTreeSet<String>,
}

/// The value of `event.name`.
pub(super) enum Value {
    /// A text or a constant.
    Fixed(String),
    /// One of the texts of a function or a struct field.
    OneOf(BTreeSet<String>),
}

impl Values {
    pub(super) fn read<'a>(files: impl IntoIterator<Item = &'a File> + Clone) -> Self {
        let mut values = Self::default();
        // Functions and fields may use constants of any file.
        for file in files.clone() {
            Constants(&mut values).visit_file(file);
        }
        for file in files {
            Texts(&mut values).visit_file(file);
        }
        values
    }

    /// Returns the value of an expression, or `None` if it may have a value that is not known here.
    pub(super) fn of(&self, expression: &Expr) -> Option<Value> {
        let texts = match expression {
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) => self.of_function(&name(&path.path.segments.last()?.ident)),
                _ => return None,
            },
            Expr::MethodCall(call) => self.of_function(&name(&call.method)),
            Expr::Field(field) if is_event_name(&field.member) => self.fields.clone(),
            _ => return self.fixed(expression).map(Value::Fixed),
        };
        (!texts.is_empty()).then_some(Value::OneOf(texts))
    }

    /// Returns the texts of all functions and struct fields named `event_name`.
    pub(super) fn named(&self) -> BTreeSet<String> {
        &self.of_function(EVENT_NAME) | &self.fields
    }

    fn of_function(&self, name: &str) -> BTreeSet<String> {
        let mut texts = self.functions.get(name).cloned().unwrap_or_default();
        if texts.is_empty() && name == EVENT_NAME {
            // It returns the field.
            texts.clone_from(&self.fields);
        }
        texts
    }

    fn fixed(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::Path(path) => {
                let name = name(&path.path.segments.last()?.ident);
                self.constants.get(&name).cloned()
            }
            Expr::Reference(reference) => self.fixed(&reference.expr),
            _ => text(expression),
        }
    }
}

fn is_event_name(member: &Member) -> bool {
    matches!(member, Member::Named(member) if member == EVENT_NAME)
}

/// Reads the constants.
struct Constants<'a>(&'a mut Values);

impl<'ast> Visit<'ast> for Constants<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_const(&mut self, constant: &'ast ItemConst) {
        if let Some(value) = self.0.fixed(&constant.expr) {
            self.0.constants.insert(name(&constant.ident), value);
        }
    }
}

/// Reads the texts of functions and struct fields.
struct Texts<'a>(&'a mut Values);

impl Texts<'_> {
    fn add_function(&mut self, signature: &Signature, body: &syn::Block) {
        let mut found = Found {
            values: self.0,
            texts: BTreeSet::new(),
        };
        found.visit_block(body);
        let texts = found.texts;
        let function = self.0.functions.entry(name(&signature.ident));
        function.or_default().extend(texts);
    }
}

impl<'ast> Visit<'ast> for Texts<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.add_function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add_function(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_expr_struct(&mut self, expression: &'ast ExprStruct) {
        for field in expression
            .fields
            .iter()
            .filter(|it| is_event_name(&it.member))
        {
            let value = self.0.fixed(&field.expr);
            self.0.fields.extend(value);
        }
        visit::visit_expr_struct(self, expression);
    }
}

/// The texts and constants in the body of a function.
struct Found<'a> {
    values: &'a Values,
    texts: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Found<'_> {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        self.texts.extend(self.values.fixed(expression));
        visit::visit_expr(self, expression);
    }
}
