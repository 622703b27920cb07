//! From a path to the file that defines its item.

use std::collections::BTreeSet;

use crate::tidy::cycles::modules::{FileId, Meaning, ModuleId, Modules, ROOT};

/// The meaning of a path.
#[derive(Clone)]
enum Target {
    Item(FileId, String),
    Module(ModuleId),
}

/// The imports that are being resolved, so that imports of each other come to an end.
type Pending = BTreeSet<(ModuleId, Vec<String>)>;

impl Modules {
    /// The files that define the item of this path, through all re-exports, and the item's name. Two conditions may each bring
    /// one. A path to a module or into another crate has none.
    pub(super) fn definitions(&self, from: ModuleId, path: &[String]) -> Vec<(FileId, String)> {
        let targets = self.resolve(from, path, &mut Pending::new());
        targets.into_iter().filter_map(Target::into_item).collect()
    }

    /// The files of the module or enum whose names `use path::*` imports.
    pub(super) fn definitions_of_glob(
        &self,
        from: ModuleId,
        path: &[String],
    ) -> Vec<(FileId, String)> {
        let mut found = Vec::new();
        for target in self.resolve(from, path, &mut Pending::new()) {
            match target {
                Target::Item(file, name) => found.push((file, format!("{name}::*"))),
                Target::Module(module) => {
                    let name = format!("{}::*", path.join("::"));
                    let files = self.modules[module].files.iter();
                    found.extend(files.map(|file| (*file, name.clone())));
                }
            }
        }
        found
    }

    fn resolve(&self, from: ModuleId, path: &[String], pending: &mut Pending) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else {
            return Vec::new();
        };
        let mut targets = match &**first {
            "crate" => vec![Target::Module(ROOT)],
            _ => self.step(from, first, pending),
        };
        for name in rest {
            // A module and a function may have the same name. Only the module contains other names.
            if targets.iter().any(Target::is_module) {
                targets.retain(Target::is_module);
            }
            let found = targets.into_iter().map(|target| match target {
                Target::Module(module) => self.step(module, name, pending),
                item @ Target::Item(..) => vec![item],
            });
            targets = found.flatten().collect();
        }
        targets
    }

    fn step(&self, id: ModuleId, name: &str, pending: &mut Pending) -> Vec<Target> {
        match name {
            "self" => vec![Target::Module(id)],
            "super" => Vec::from_iter(self.modules[id].parent.map(Target::Module)),
            _ => self.look_up(id, name, pending),
        }
    }

    fn look_up(&self, id: ModuleId, name: &str, pending: &mut Pending) -> Vec<Target> {
        let module = &self.modules[id];
        let known = module.names.get(name);
        if let Some(meanings) = known.or_else(|| module.names_in_functions.get(name)) {
            let found = meanings.iter().map(|meaning| match meaning {
                Meaning::Item(file) => vec![Target::Item(*file, name.to_owned())],
                Meaning::Module(module) => vec![Target::Module(*module)],
                Meaning::Import(path) => self.follow(id, path, pending),
            });
            return found.flatten().collect();
        }
        let mut found = Vec::new();
        for glob in &module.globs {
            let key = (id, [glob.as_slice(), &[name.to_owned()]].concat());
            if !pending.insert(key.clone()) {
                continue;
            }
            for target in self.resolve(id, glob, pending) {
                if let Target::Module(module) = target {
                    found.extend(self.step(module, name, pending));
                }
            }
            pending.remove(&key);
        }
        found
    }

    fn follow(&self, id: ModuleId, import: &[String], pending: &mut Pending) -> Vec<Target> {
        let key = (id, import.to_vec());
        if !pending.insert(key.clone()) {
            return Vec::new();
        }
        let found = self.resolve(id, import, pending);
        pending.remove(&key);
        found
    }
}

impl Target {
    fn is_module(&self) -> bool {
        matches!(self, Self::Module(_))
    }

    fn into_item(self) -> Option<(FileId, String)> {
        match self {
            Self::Item(file, name) => Some((file, name)),
            Self::Module(_) => None,
        }
    }
}
