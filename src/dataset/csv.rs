//! A CSV manifest: `path,label[,split,group]`, one image a row, paths relative to the root.

use super::{Entry, Item, Lost};
use crate::error::{Error, Result, Skip, Stage};
use csv::{ReaderBuilder, StringRecord};
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

/// Positions of the columns we read.
struct Columns {
    path: usize,
    label: usize,
    split: Option<usize>,
    group: Option<usize>,
}

/// Streams the manifest in its own order. A row that cannot be used is lost with its line; a repeated path too.
pub fn items(manifest: &Path, splits: Option<Vec<String>>) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let what = format!("read dataset.manifest {}", manifest.display());
    let mut reader = ReaderBuilder::new().from_path(manifest).map_err(Error::cause(&what))?;
    let header = reader.headers().map_err(Error::cause(&what))?.clone();
    let columns = Columns {
        path: column(&header, "path", manifest)?,
        label: column(&header, "label", manifest)?,
        split: header.iter().position(|h| h.trim() == "split"),
        group: header.iter().position(|h| h.trim() == "group"),
    };
    if splits.is_some() && columns.split.is_none() {
        return Err(Error::new(format!(
            "{}:1: dataset.splits is set, but there is no column `split`",
            manifest.display()
        )));
    }
    let mut seen: HashSet<[u8; 16]> = HashSet::new();
    Ok(reader.into_records().map(move |record| {
        let item = match record {
            Ok(record) => row(&record, &columns, splits.as_deref()),
            Err(e) => lost(String::new(), None, "bad_row", e.to_string()),
        };
        match item {
            Item::Found(entry) if !seen.insert(entry.id()) => {
                let message = "the manifest names this path before";
                lost(super::display(&entry.path), Some(entry.label), "duplicate", message.into())
            }
            item => item,
        }
    }))
}

/// Position of a required column.
pub fn column(header: &StringRecord, name: &str, file: &Path) -> Result<usize> {
    header.iter().position(|h| h.trim() == name).ok_or_else(|| {
        let found = header.iter().collect::<Vec<_>>().join(", ");
        Error::new(format!("{}:1: there is no column `{name}` (found: {found})", file.display()))
    })
}

fn row(record: &StringRecord, columns: &Columns, splits: Option<&[String]>) -> Item {
    let get = |i: usize| record.get(i).unwrap_or_default().trim();
    let optional = |i: Option<usize>| i.map(get).filter(|v| !v.is_empty()).map(str::to_owned);
    let split = optional(columns.split);
    if splits.is_some_and(|wanted| !wanted.iter().any(|w| Some(w) == split.as_ref())) {
        return Item::Ignored("row of another split");
    }
    let line = record.position().map_or(0, csv::Position::line);
    let (path, label) = (get(columns.path), get(columns.label).to_owned());
    if label.is_empty() {
        return lost(path.into(), None, "no_label", format!("line {line} has no label"));
    }
    let Some(inside) = relative(path) else {
        let message = format!("line {line}: the path is empty, absolute or leaves dataset.root");
        return lost(path.into(), Some(label), "path_outside", message);
    };
    Item::Found(Entry { path: inside, label, split, group: optional(columns.group) })
}

fn lost(path: String, label: Option<String>, reason: &'static str, message: String) -> Item {
    Item::Lost(Lost { path, label, skip: Skip::new(Stage::Annotation, reason, message) })
}

/// The path without `.` parts; `None` when it is empty, absolute or climbs out with `..`.
pub fn relative(path: &str) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => out.push(name),
            _ => return None,
        }
    }
    (!out.as_os_str().is_empty()).then_some(out)
}
