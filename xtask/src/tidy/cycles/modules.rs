//! The modules of a crate: their files, the names that they define, and the paths in their code.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use proc_macro2::{Punct, Spacing, TokenStream, TokenTree};
use syn::{Item, ItemMod};

use crate::tidy::cycles::imports::{self, Import, ImportedName};
use crate::tidy::cycles::paths::{self, UsedPath};
use crate::tidy::syntax::{attributes, is_test, line, name, named_files};

pub(super) type FileId = usize;
pub(super) type ModuleId = usize;

pub(super) const ROOT: ModuleId = 0;

#[derive(Default)]
pub(super) struct Modules {
    pub(super) files: Vec<File>,
    pub(super) modules: Vec<Module>,
}

pub(super) struct File {
    pub(super) path: PathBuf,
    /// True for a file with `mod x;`.
    pub(super) has_children: bool,
}

#[derive(Default)]
pub(super) struct Module {
    pub(super) parent: Option<ModuleId>,
    pub(super) files: Vec<FileId>,
    /// The names that items and `use` declarations define.
    pub(super) names: BTreeMap<String, Vec<Meaning>>,
    /// The names that `use` declarations inside of functions define.
    pub(super) names_in_functions: BTreeMap<String, Vec<Meaning>>,
    pub(super) globs: Vec<Vec<String>>,
    pub(super) imports: Vec<(FileId, Import)>,
    pub(super) paths: Vec<(FileId, UsedPath)>,
}

#[derive(Clone)]
pub(super) enum Meaning {
    Item(FileId),
    Module(ModuleId),
    Import(Vec<String>),
}

/// The folders with the files of child modules.
struct Folders {
    /// For `mod x;`.
    children: PathBuf,
    /// For `#[path = "…"] mod x;`.
    named: PathBuf,
}

impl Modules {
    /// Reads the file of a crate's root and those of its modules.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut modules = Self::default();
        modules.modules.push(Module::default());
        modules.read_file(ROOT, root, &Folders::of_folder_file(root))?;
        Ok(modules)
    }

    fn read_file(
        &mut self,
        module: ModuleId,
        path: &Path,
        folders: &Folders,
    ) -> anyhow::Result<()> {
        let text =
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let syntax = syn::parse_file(&text)
            .map_err(|error| (line(error.span()), error))
            .map_err(|(line, error)| anyhow::anyhow!("{}:{line}: {error}", path.display()))?;
        let file = self.files.len();
        self.files.push(File {
            path: path.to_path_buf(),
            has_children: false,
        });
        self.read_items(module, file, folders, syntax.items)
    }

    fn read_items(
        &mut self,
        module: ModuleId,
        file: FileId,
        folders: &Folders,
        items: Vec<Item>,
    ) -> anyhow::Result<()> {
        self.modules[module].files.push(file);
        for item in items {
            if is_test(attributes(&item)) {
                continue;
            }
            if let Some(name) = defined_name(&item) {
                self.modules[module].define(name, Meaning::Item(file));
            }
            match item {
                Item::Mod(item) => self.read_module(module, file, folders, item)?,
                Item::Use(item) => self.modules[module].add_imports(file, imports::of(&item)),
                Item::Macro(item) if item.ident.is_none() => {
                    match items_of_macro(item.mac.tokens.clone()) {
                        Some(items) => self.read_items(module, file, folders, items)?,
                        None => self.modules[module].add_uses(file, &Item::Macro(item)),
                    }
                }
                item => self.modules[module].add_uses(file, &item),
            }
        }
        Ok(())
    }

    fn read_module(
        &mut self,
        parent: ModuleId,
        file: FileId,
        folders: &Folders,
        item: ItemMod,
    ) -> anyhow::Result<()> {
        let child = self.modules.len();
        self.modules.push(Module {
            parent: Some(parent),
            ..Module::default()
        });
        let name = name(&item.ident);
        self.modules[parent].define(name.clone(), Meaning::Module(child));
        if let Some((_, items)) = item.content {
            return self.read_items(child, file, &folders.inside(&name), items);
        }
        let (named, is_always_named) = named_files(&item.attrs);
        let mut found = Vec::new();
        for path in named {
            let path = folders.named.join(path);
            let folders = Folders::of_folder_file(&path);
            found.push((path, folders));
        }
        if !is_always_named {
            found.extend(folders.usual_file(&name));
        }
        if found.is_empty() {
            let declaring = self.files[file].path.display();
            bail!("{declaring}: the module `{name}` has no file");
        }
        self.files[file].has_children = true;
        // A condition may choose between two files for one module. Both count.
        for (path, folders) in found {
            self.read_file(child, &path, &folders)?;
        }
        Ok(())
    }
}

impl Module {
    /// Adds the paths and imports in an item.
    fn add_uses(&mut self, file: FileId, item: &Item) {
        let uses = paths::of(item);
        let paths = uses.paths.into_iter().map(|path| (file, path));
        self.paths.extend(paths);
        for import in uses.imports {
            if let ImportedName::Named(name) = &import.name {
                let meanings = self.names_in_functions.entry(name.clone()).or_default();
                meanings.push(Meaning::Import(import.path.clone()));
            }
            self.imports.push((file, import));
        }
    }

    fn add_imports(&mut self, file: FileId, imports: Vec<Import>) {
        for import in imports {
            match &import.name {
                ImportedName::Named(name) => {
                    self.define(name.clone(), Meaning::Import(import.path.clone()));
                }
                ImportedName::Glob => self.globs.push(import.path.clone()),
                ImportedName::Unnamed => {}
            }
            self.imports.push((file, import));
        }
    }

    fn define(&mut self, name: String, meaning: Meaning) {
        self.names.entry(name).or_default().push(meaning);
    }
}

impl Folders {
    /// For the root of a crate, `mod.rs`, and a file that an attribute names.
    fn of_folder_file(path: &Path) -> Self {
        let folder = path.parent().unwrap_or(path).to_path_buf();
        Self {
            children: folder.clone(),
            named: folder,
        }
    }

    fn usual_file(&self, module: &str) -> Option<(PathBuf, Self)> {
        let path = self.children.join(format!("{module}.rs"));
        if path.is_file() {
            let folders = Self {
                children: self.children.join(module),
                named: self.children.clone(),
            };
            return Some((path, folders));
        }
        let path = self.children.join(module).join("mod.rs");
        let folders = Self::of_folder_file(&path);
        path.is_file().then_some((path, folders))
    }

    fn inside(&self, module: &str) -> Self {
        let folder = self.children.join(module);
        Self {
            children: folder.clone(),
            named: folder,
        }
    }
}

/// The name of an item that other files can import. Modules and `use` declarations are handled elsewhere.
fn defined_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(name(ident))
}

/// The items in a call such as `pin_project! { struct … }` or `thread_local! { static … }`.
fn items_of_macro(tokens: TokenStream) -> Option<Vec<Item>> {
    let mut ended = tokens.clone();
    ended.extend([TokenTree::Punct(Punct::new(';', Spacing::Alone))]);
    let file = syn::parse2::<syn::File>(tokens).or_else(|_| syn::parse2(ended));
    file.ok().map(|file| file.items)
}
