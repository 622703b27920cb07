//! The events of level WARN and ERROR that one crate writes, and its lines on standard error.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, File, ImplItemFn, Item, Macro};

use super::tokens::{self, Call, EventArguments, has_ident};
use super::values::{Value, Values};
use crate::tidy::syntax::{attributes, is_test, line, name, text};

/// The field that every such event has, before its other fields.
const FIELD: &str = "event.name";

const WITHOUT_FIELD: &str = "the first field of this event is not `event.name`; add its name";

/// The events of one crate.
#[derive(Default)]
pub(super) struct Events {
    /// The names, with a place at which each is written.
    pub(super) names: BTreeMap<String, String>,
    pub(super) breaches: Vec<String>,
}

impl Events {
    /// Reads the files of a crate. Each has the path that is shown in messages.
    pub(super) fn read(files: &[(File, String)]) -> Self {
        let values = Values::read(files.iter().map(|(file, _)| file));
        let mut events = Self::default();
        for (file, shown) in files {
            let mut reader = Reader {
                shown,
                values: &values,
                events: &mut events,
            };
            reader.visit_file(file);
        }
        for name in values.named() {
            let place = "a function or struct field `event_name`".to_owned();
            events.names.entry(name).or_insert(place);
        }
        events
    }
}

struct Reader<'a> {
    shown: &'a str,
    values: &'a Values,
    events: &'a mut Events,
}

impl Reader<'_> {
    fn read_call(&mut self, call: Call) {
        match call.name.as_str() {
            "warn" | "error" => {
                let arguments = EventArguments::read(call.arguments, false);
                self.read_event(call.line, arguments);
            }
            "event" => {
                let arguments = EventArguments::read(call.arguments, true);
                if is_warn_or_error(arguments.level.clone()) {
                    self.read_event(call.line, arguments);
                }
            }
            "eprint" | "eprintln" => self.read_standard_error(call.line, call.arguments),
            "write" | "writeln" if has_ident(call.arguments.clone(), "stderr") => {
                self.read_standard_error(call.line, call.arguments);
            }
            _ => {}
        }
    }

    fn read_event(&mut self, line: usize, arguments: EventArguments) {
        let Some(event_name) = arguments.event_name else {
            return self.report(line, WITHOUT_FIELD);
        };
        let Some(value) = self.value(event_name) else {
            return self.report(
                line,
                "the value of `event.name` is not known here; use a text, a constant, or a function or struct field `event_name` \
                 with texts",
            );
        };
        match value {
            Value::Fixed(name) => {
                let metadata = arguments.name.and_then(|it| self.value(it));
                if !matches!(metadata, Some(Value::Fixed(other)) if other == name) {
                    self.report(
                        line,
                        &format!("`name:` is not {name:?} too; add it for log records"),
                    );
                }
                self.add(name, line);
            }
            Value::OneOf(names) => {
                for name in names {
                    self.add(name, line);
                }
            }
        }
    }

    /// A line on standard error contains `event.name="name"`, or the name in braces.
    fn read_standard_error(&mut self, line: usize, arguments: TokenStream) {
        let text: String = tokens::texts(arguments).collect();
        let mark = format!("{FIELD}=");
        let Some((_, rest)) = text.split_once(&mark) else {
            return self.report(line, &format!("the line on standard error has no `{mark}`"));
        };
        let rest = rest.trim_start_matches('"');
        let end = rest.find(|letter: char| !is_of_name(letter));
        let name = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if !rest.starts_with('{') {
            self.add(name.to_owned(), line);
        }
    }

    /// An event whose metadata is written by hand: `Metadata::new(…)`.
    fn read_metadata(&mut self, line: usize, call: &ExprCall) {
        let has = |wanted| {
            call.args
                .iter()
                .any(|it| last_name(it).as_deref() == Some(wanted))
        };
        if !has("EVENT") || !(has("WARN") || has("ERROR")) {
            return;
        }
        if call.args.iter().find_map(first_field).as_deref() != Some(FIELD) {
            self.report(line, WITHOUT_FIELD);
        }
        match call.args.first().and_then(|it| self.values.of(it)) {
            Some(Value::Fixed(name)) => self.add(name, line),
            _ => self.report(line, "the name of this event is not a text or a constant"),
        }
    }

    fn value(&self, tokens: TokenStream) -> Option<Value> {
        let expression: Expr = syn::parse2(tokens).ok()?;
        self.values.of(&expression)
    }

    fn add(&mut self, name: String, line: usize) {
        if name.is_empty() || !name.chars().all(is_of_name) {
            self.report(line, &format!("the name {name:?} is not in snake case"));
        }
        let place = format!("{}:{line}", self.shown);
        self.events.names.entry(name).or_insert(place);
    }

    fn report(&mut self, line: usize, text: &str) {
        let breach = format!("{}:{line}: {text}", self.shown);
        self.events.breaches.push(breach);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_test(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        if let Some(last) = item.path.segments.last() {
            self.read_call(Call {
                name: name(&last.ident),
                line: line(last.ident.span()),
                arguments: item.tokens.clone(),
            });
        }
        for call in tokens::calls(item.tokens.clone()) {
            self.read_call(call);
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let mut last = path.path.segments.iter().rev().map(|it| &it.ident);
            if let (Some(new), Some(metadata)) = (last.next(), last.next())
                && new == "new"
                && metadata == "Metadata"
            {
                self.read_metadata(line(new.span()), call);
            }
        }
        visit::visit_expr_call(self, call);
    }
}

/// Returns the last name of a path.
fn last_name(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Path(path) => Some(name(&path.path.segments.last()?.ident)),
        _ => None,
    }
}

/// Returns the name of the first field after the message in `FieldSet::new(&["message", "name", …], …)`.
fn first_field(expression: &Expr) -> Option<String> {
    let Expr::Call(call) = expression else {
        return None;
    };
    let Expr::Reference(names) = call.args.first()? else {
        return None;
    };
    let Expr::Array(names) = &*names.expr else {
        return None;
    };
    let mut names = names.elems.iter().filter_map(text);
    names.find(|it| it != "message")
}

fn is_warn_or_error(tokens: TokenStream) -> bool {
    has_ident(tokens.clone(), "WARN") || has_ident(tokens, "ERROR")
}

/// Names are in snake case.
pub(super) fn is_of_name(letter: char) -> bool {
    letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_'
}
