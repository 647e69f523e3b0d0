//! The order of the house: rooms in one direction, files of a room without rings, heavy libraries
//! in their rooms, short files and lines.

use crate::support::root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A module path below the crate: `["audit", "intervention", "overlay"]`.
type Module = Vec<String>;

/// One source file: comments, texts and unit tests left out.
struct Source {
    path: PathBuf,
    module: Module,
    code: String,
}

impl Source {
    fn room(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }
}

/// Rooms in the order lib.rs declares them.
fn rooms() -> Vec<String> {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).expect("lib.rs");
    let mut rooms = Vec::new();
    for line in lib.lines() {
        if let Some(name) = line.strip_prefix("pub mod ") {
            rooms.push(name.trim_end_matches(';').to_owned());
        }
    }
    rooms
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut sources = Vec::new();
    for entry in walkdir::WalkDir::new(&src).sort_by_file_name() {
        let path = entry.expect("entry").into_path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let relative = path.strip_prefix(&src).expect("below src").to_path_buf();
        let mut module: Module = relative
            .with_extension("")
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        if module.last().is_some_and(|name| name == "mod") {
            module.pop();
        }
        let text = std::fs::read_to_string(&path).expect("source");
        sources.push(Source {
            path: relative,
            module,
            code: code_of(&text),
        });
    }
    sources
}

/// The code without unit tests, comments and the contents of texts.
fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut code = String::new();
    for line in text.lines() {
        let mut in_text = false;
        let mut previous = ' ';
        let mut kept = String::new();
        for c in line.chars() {
            if c == '"' && previous != '\\' && previous != '\'' {
                in_text = !in_text;
            } else if !in_text {
                kept.push(c);
            }
            previous = c;
        }
        code += kept.split("//").next().unwrap_or_default();
        code.push('\n');
    }
    code
}

/// Every path that a `use` names, braces expanded, and whether it is re-exported.
fn uses(code: &str) -> Vec<(bool, Vec<String>)> {
    let mut found = Vec::new();
    let mut statements = Vec::new();
    for (start, _) in code.match_indices("use ") {
        let before = code[..start].chars().next_back();
        if before.is_none_or(|c| c == '\n' || c == ' ') {
            let line_start = code[..start].rfind('\n').map_or(0, |at| at + 1);
            let prefix = code[line_start..start].trim();
            let end = code[start..].find(';').map_or(code.len(), |at| start + at);
            if prefix.is_empty() || prefix.starts_with("pub") {
                statements.push((!prefix.is_empty(), &code[start + 4..end]));
            }
        }
    }
    for (public, tree) in statements {
        for path in expand(tree, &[]) {
            found.push((public, path));
        }
    }
    found
}

fn expand(tree: &str, prefix: &[String]) -> Vec<Vec<String>> {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let mut base = prefix.to_vec();
        for part in tree[..open].split("::").map(str::trim) {
            if !part.is_empty() {
                base.push(part.to_owned());
            }
        }
        let inner = &tree[open + 1..tree.rfind('}').unwrap_or(tree.len())];
        let (mut depth, mut start, mut out) = (0, 0, Vec::new());
        for (i, c) in inner.char_indices() {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    out.extend(expand(&inner[start..i], &base));
                    start = i + 1;
                }
                _ => {}
            }
        }
        out.extend(expand(&inner[start..], &base));
        return out;
    }
    let path = tree.split(" as ").next().unwrap_or_default();
    let mut full = prefix.to_vec();
    for part in path.split("::").map(str::trim) {
        if !part.is_empty() && part != "self" {
            full.push(part.to_owned());
        } else if part == "self" && full.is_empty() {
            full.push("self".into());
        }
    }
    if full.len() == prefix.len() && tree != "self" {
        return Vec::new();
    }
    vec![full]
}

/// Paths inside expressions and types: `crate::a::b`, `super::c`, `child::d`.
fn inline_paths(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    for word in code.split(|c: char| !is_name(c) && c != ':') {
        let parts: Vec<String> = word
            .split("::")
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        if parts.len() > 1 {
            paths.push(parts);
        }
    }
    paths
}

/// The files that each file of the crate uses.
struct Imports {
    modules: BTreeSet<Module>,
    exports: BTreeMap<Module, BTreeMap<String, Vec<String>>>,
}

impl Imports {
    fn new(sources: &[Source]) -> Self {
        let mut exports: BTreeMap<Module, BTreeMap<String, Vec<String>>> = BTreeMap::new();
        for source in sources {
            let names = exports.entry(source.module.clone()).or_default();
            for (_, path) in uses(&source.code) {
                if let Some(name) = path.last() {
                    names.insert(name.clone(), path.clone());
                }
            }
        }
        Self {
            modules: sources.iter().map(|s| s.module.clone()).collect(),
            exports,
        }
    }

    /// A path as a path below the crate; `None` for one of another crate.
    fn absolute(&self, from: &Module, path: &[String]) -> Option<Vec<String>> {
        let mut base = from.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                let mut child = from.clone();
                child.push(first.to_owned());
                if !self.modules.contains(&child) {
                    return None;
                }
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// The file that defines what a path names, through re-exports.
    fn resolve(&self, path: &[String], depth: usize) -> Option<Module> {
        for length in (1..=path.len()).rev() {
            let module = path[..length].to_vec();
            if !self.modules.contains(&module) {
                continue;
            }
            if let Some(name) = path.get(length)
                && depth < 8
                && let Some(export) = self.exports[&module].get(name)
                && let Some(target) = self.absolute(&module, export)
                && target != path
                && let Some(defined) = self.resolve(&target, depth + 1)
            {
                return Some(defined);
            }
            return Some(module);
        }
        None
    }

    /// The files that a file uses. A name that is only re-exported is no use.
    fn of(&self, source: &Source) -> BTreeSet<Module> {
        let mut body = String::new();
        for statement in source.code.split_inclusive(';') {
            let last = statement.rsplit('\n').next().unwrap_or_default();
            if !statement.trim_start().starts_with("use ")
                && !statement.trim_start().starts_with("pub use ")
                && !last.trim_start().starts_with("mod ")
            {
                body += statement;
            }
        }
        let words: BTreeSet<&str> = body
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        let mut paths = inline_paths(&body);
        for (public, path) in uses(&source.code) {
            let used = path
                .last()
                .is_some_and(|name| words.contains(&name.as_str()));
            if !public || used {
                paths.push(path);
            }
        }
        let mut used = BTreeSet::new();
        for path in paths {
            let target = self.absolute(&source.module, &path);
            if let Some(module) = target.and_then(|target| self.resolve(&target, 0))
                && module != source.module
            {
                used.insert(module);
            }
        }
        used
    }
}

fn import_graph(sources: &[Source]) -> BTreeMap<Module, BTreeSet<Module>> {
    let imports = Imports::new(sources);
    let mut graph = BTreeMap::new();
    for source in sources {
        graph.insert(source.module.clone(), imports.of(source));
    }
    graph
}

fn reachable(graph: &BTreeMap<Module, BTreeSet<Module>>, from: &Module) -> BTreeSet<Module> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.clone()];
    while let Some(module) = open.pop() {
        for next in graph.get(&module).into_iter().flatten() {
            // Rooms are ordered by another test.
            if next.first() == from.first() && reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}

#[test]
fn a_room_uses_only_rooms_before_it() {
    let rooms = rooms();
    assert!(rooms.len() > 10, "{rooms:?}");
    let sources = sources();
    let graph = import_graph(&sources);
    for source in &sources {
        let Some(position) = rooms.iter().position(|room| room == source.room()) else {
            continue;
        };
        for used in &graph[&source.module] {
            let room = used.first().map_or("", String::as_str);
            let later = rooms[position + 1..].iter().any(|later| later == room);
            assert!(
                !later,
                "{}: uses {room}, which comes after it",
                source.path.display()
            );
        }
    }
}

#[test]
fn no_two_files_of_a_room_import_each_other_in_a_ring() {
    let sources = sources();
    let graph = import_graph(&sources);
    let edges: usize = graph.values().map(BTreeSet::len).sum();
    assert!(edges > 300, "the imports are read: {edges}");
    for source in &sources {
        let reached = reachable(&graph, &source.module);
        let ring: Vec<String> = reached
            .iter()
            .filter(|module| reachable(&graph, module).contains(&source.module))
            .map(|module| module.join("::"))
            .collect();
        let in_ring = reached.contains(&source.module);
        assert!(!in_ring, "{} is in a ring: {ring:?}", source.path.display());
    }
}

/// The reader of imports itself, on a ring that hides behind braces and a re-export.
#[test]
fn a_ring_behind_braces_and_re_exports_is_found() {
    let source = |module: &[&str], code: &str| Source {
        path: PathBuf::from(module.join("/")),
        module: module.iter().map(|part| (*part).to_owned()).collect(),
        code: code_of(code),
    };
    let sources = [
        source(&["room"], "mod a;\nmod b;\npub use b::{B, other::C};\n"),
        source(
            &["room", "a"],
            "use crate::{error::Error, room::B};\nfn f(_: B) {}\n",
        ),
        source(
            &["room", "b"],
            "use super::a;\npub struct B;\nfn g() { a::f() }\n",
        ),
        source(&["error"], "pub struct Error; // use crate::room::a;\n"),
    ];
    let graph = import_graph(&sources);
    let (a, b) = (&sources[1].module, &sources[2].module);
    assert!(
        reachable(&graph, a).contains(a) && reachable(&graph, b).contains(a),
        "{graph:?}"
    );
    assert!(
        graph[&sources[3].module].is_empty(),
        "a comment is no import"
    );
    assert!(!reachable(&graph, &sources[0].module).contains(&sources[0].module));
}

#[test]
fn heavy_libraries_stay_in_their_rooms() {
    let allowed = [
        ("tract", vec!["model"]),
        ("ort", vec!["model"]),
        ("polars", vec!["tables", "runs", "dataset"]),
        ("rayon", vec!["audit"]),
        ("redb", vec!["cache"]),
        ("clap", vec!["cli"]),
        ("indicatif", vec!["cli"]),
    ];
    for source in sources() {
        for (library, rooms) in &allowed {
            let named = source.code.match_indices(library).any(|(i, _)| {
                let before = source.code[..i].chars().next_back();
                let starts = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
                let after = &source.code[i + library.len()..];
                starts && (after.starts_with("::") || after.starts_with("_onnx"))
            });
            let room = source.room();
            assert!(
                !named || rooms.contains(&room),
                "{} names {library}",
                source.path.display()
            );
        }
    }
}

#[test]
fn files_and_lines_stay_short() {
    for source in sources() {
        let text = std::fs::read_to_string(root().join("src").join(&source.path)).expect("source");
        let name = source.path.display();
        let lines = text.lines().count();
        assert!(
            lines <= 400,
            "{name} has {lines} lines; split a file over 400"
        );
        for (number, line) in text.lines().enumerate() {
            let columns = line.chars().count();
            assert!(
                columns <= 100,
                "{name}:{} has {columns} columns",
                number + 1
            );
        }
    }
}

#[test]
fn the_architecture_page_names_every_room() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for room in rooms() {
        let named = page.contains(&format!("`{room}`")) || page.contains(&format!("`{room}/`"));
        assert!(named, "ARCHITECTURE.md does not name {room}");
    }
}
