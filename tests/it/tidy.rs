//! The order of the house.

use crate::support::root;
use std::path::PathBuf;

/// Rooms in the order lib.rs declares them.
fn rooms() -> Vec<String> {
    let lib = std::fs::read_to_string(root().join("src/lib.rs")).expect("lib.rs");
    lib.lines()
        .filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

/// Every source file with its room and its code: comments and unit tests left out.
fn sources() -> Vec<(String, PathBuf, String)> {
    let src = root().join("src");
    let entries = walkdir::WalkDir::new(&src)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok);
    let files = entries
        .map(walkdir::DirEntry::into_path)
        .filter(|p| p.extension().is_some_and(|e| e == "rs"));
    files
        .map(|path| {
            let relative = path.strip_prefix(&src).expect("below src").to_path_buf();
            let first = relative
                .components()
                .next()
                .expect("room")
                .as_os_str()
                .to_string_lossy()
                .into_owned();
            let text = std::fs::read_to_string(&path).expect("source");
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: Vec<&str> = code
                .lines()
                .filter(|l| !l.trim_start().starts_with("//"))
                .collect();
            (
                first.trim_end_matches(".rs").to_owned(),
                relative,
                code.join("\n"),
            )
        })
        .collect()
}

#[test]
fn a_room_uses_only_rooms_before_it() {
    let rooms = rooms();
    assert!(rooms.len() > 10, "{rooms:?}");
    for (room, path, code) in sources() {
        let Some(position) = rooms.iter().position(|r| *r == room) else {
            continue;
        };
        for later in &rooms[position + 1..] {
            let used = code.contains(&format!("crate::{later}::"))
                || code.contains(&format!("use crate::{later};"));
            assert!(
                !used,
                "{}: {room} uses {later}, which comes after it",
                path.display()
            );
        }
    }
}

#[test]
fn heavy_libraries_stay_in_their_rooms() {
    let allowed = [
        ("tract", vec!["model"]),
        ("polars", vec!["store", "dataset"]),
        ("rayon", vec!["audit"]),
        ("clap", vec!["cli"]),
        ("indicatif", vec!["cli"]),
    ];
    for (room, path, code) in sources() {
        for (library, rooms) in &allowed {
            let starts = |i: usize| !code[..i].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let named = code
                .match_indices(library)
                .any(|(i, _)| starts(i) && code[i + library.len()..].starts_with(['_', ':']));
            assert!(
                !named || rooms.contains(&room.as_str()),
                "{} names {library}",
                path.display()
            );
        }
    }
}

#[test]
fn files_stay_short() {
    for (_, path, _) in sources() {
        let lines = std::fs::read_to_string(root().join("src").join(&path))
            .expect("source")
            .lines()
            .count();
        assert!(
            lines <= 400,
            "{} has {lines} lines; a file over 400 wants to be two",
            path.display()
        );
    }
}

#[test]
fn the_architecture_page_names_every_room() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for room in rooms() {
        assert!(
            page.contains(&format!("`{room}`")) || page.contains(&format!("`{room}/`")),
            "ARCHITECTURE.md does not name {room}"
        );
    }
}
