//! The public items of a crate.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::tidy::public_api::rustdoc::{Documentation, Id, Item, id};

pub(super) struct PublicItem<'d> {
    /// The path that users write, such as `otel_core::trust::Trust::link`.
    pub(super) path: String,
    pub(super) item: &'d Item,
}

/// Modules, types, traits, functions, methods, constants and macros that are not hidden, each once.
///
/// The items that a trait declares count. The crate itself, fields, variants, re-exports of other crates and implementations
/// of traits do not.
pub(super) fn of(documentation: &Documentation) -> Vec<PublicItem<'_>> {
    let mut search = Search {
        documentation,
        seen: BTreeSet::new(),
        found: Vec::new(),
    };
    if let Some(root) = documentation.item(documentation.root) {
        let name = root.name.as_deref().unwrap_or_default();
        for child in root.ids("items") {
            search.visit(child, name, None);
        }
    }
    search.found
}

/// A `pub use` of an item, or of everything in a module.
pub(super) struct Reexport<'d> {
    pub(super) target: Id,
    pub(super) name: &'d str,
    pub(super) is_glob: bool,
}

impl<'d> Reexport<'d> {
    pub(super) fn from_item(item: &'d Item) -> Option<Self> {
        let content = item.content();
        if item.kind() != "use" {
            return None;
        }
        Some(Self {
            target: content.get("id").and_then(id)?,
            name: content.get("name")?.as_str()?,
            is_glob: content.get("is_glob").and_then(Value::as_bool)?,
        })
    }
}

struct Search<'d> {
    documentation: &'d Documentation,
    seen: BTreeSet<Id>,
    found: Vec<PublicItem<'d>>,
}

impl<'d> Search<'d> {
    fn visit(&mut self, id: Id, parent: &str, new_name: Option<&str>) {
        let Some(item) = self.documentation.item(id) else {
            return;
        };
        if let Some(reexport) = Reexport::from_item(item) {
            if !reexport.is_glob {
                return self.visit(reexport.target, parent, Some(reexport.name));
            }
            let module = self.documentation.item(reexport.target);
            for child in module.map(|it| it.ids("items")).unwrap_or_default() {
                self.visit(child, parent, None);
            }
            return;
        }
        let name = new_name.or(item.name.as_deref()).unwrap_or_default();
        let path = format!("{parent}::{name}");
        match item.kind() {
            "module" if self.add(id, path.clone(), item) => {
                for child in item.ids("items") {
                    self.visit(child, &path, None);
                }
            }
            "struct" | "enum" | "union" if self.add(id, path.clone(), item) => {
                for own in item.ids("impls") {
                    let own = self.documentation.item(own);
                    let own = own.filter(|it| it.content().get("trait").is_none_or(Value::is_null));
                    self.add_members(&path, own);
                }
            }
            "trait" if self.add(id, path.clone(), item) => self.add_members(&path, Some(item)),
            "function" | "type_alias" | "trait_alias" | "constant" | "static" | "macro"
            | "proc_macro" => {
                self.add(id, path, item);
            }
            _ => {}
        }
    }

    /// Adds the items of an impl or a trait.
    fn add_members(&mut self, parent: &str, block: Option<&Item>) {
        for id in block.map(|it| it.ids("items")).unwrap_or_default() {
            let member = self.documentation.item(id);
            if let Some(member) = member.filter(|it| it.is_public()) {
                let name = member.name.as_deref().unwrap_or_default();
                self.add(id, format!("{parent}::{name}"), member);
            }
        }
    }

    fn add(&mut self, id: Id, path: String, item: &'d Item) -> bool {
        let is_new = self.seen.insert(id);
        if is_new {
            self.found.push(PublicItem { path, item });
        }
        is_new
    }
}
