//! Manifests: `path,label[,split,group]`, one image a row, paths relative to the root. CSV, TSV and Parquet.

use super::problem::Odd;
use super::{Entry, Item, Lost, frames};
use crate::error::{Error, Result, Skip, Stage, guarded};
use crate::plan::Format;
use csv::{ReaderBuilder, StringRecord};
use polars::prelude::DataFrame;
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};

/// Rows of a Parquet manifest read at once.
const ROWS: usize = 65_536;

/// One row, wherever it comes from.
struct Row {
    path: String,
    label: String,
    split: Option<String>,
    group: Option<String>,
    /// Columns of presence that say yes.
    flags: Vec<String>,
    line: u64,
}

/// Streams a manifest in its own order. Kept per image: 16 bytes, to notice repetitions.
pub fn items(
    manifest: &Path,
    format: Format,
    splits: Option<Vec<String>>,
    flags: &[String],
) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let rows: Box<dyn Iterator<Item = RowOrOdd> + Send> = match format {
        Format::Parquet => Box::new(parquet_rows(manifest, splits.is_some(), flags)?),
        Format::Tsv => Box::new(csv_rows(manifest, b'\t', splits.is_some(), flags)?),
        _ => Box::new(csv_rows(manifest, b',', splits.is_some(), flags)?),
    };
    let file = manifest.to_path_buf();
    let mut seen: HashSet<[u8; 16]> = HashSet::new();
    Ok(rows.flat_map(move |row| match row {
        // A row is an image, whether it can be read or not.
        Err(odd) if odd.code == "bad_row" => {
            let lost = lost(
                String::new(),
                None,
                "bad_row",
                format!("{}: {}", odd.place, odd.message),
            );
            vec![Item::Odd(odd), lost]
        }
        Err(odd) => vec![Item::Odd(odd)],
        Ok(row)
            if splits
                .as_ref()
                .is_some_and(|wanted| !row.split.as_ref().is_some_and(|s| wanted.contains(s))) =>
        {
            vec![Item::Ignored("row of another split")]
        }
        Ok(row) => {
            let Some(path) = relative(&row.path) else {
                let message = format!(
                    "{}:{}: the path is empty, absolute or leaves dataset.root",
                    file.display(),
                    row.line
                );
                return vec![lost(row.path, Some(row.label), "path_outside", message)];
            };
            let mut entry = Entry {
                path,
                split: row.split,
                group: row.group,
                flags: row.flags,
                ..Entry::default()
            };
            entry.label = Some(row.label).filter(|l| !l.is_empty());
            if !seen.insert(entry.id()) {
                entry.odd.push(Odd::new(
                    "duplicate",
                    &file,
                    row.line,
                    "the manifest names this path before",
                ));
            }
            vec![Item::Found(entry)]
        }
    }))
}

fn lost(path: String, label: Option<String>, reason: &'static str, message: String) -> Item {
    Item::Lost(Lost {
        path,
        label,
        skip: Skip::new(Stage::Annotation, reason, message),
    })
}

/// A row, or what was wrong with it.
type RowOrOdd = std::result::Result<Row, Odd>;

fn csv_rows(
    manifest: &Path,
    delimiter: u8,
    needs_split: bool,
    flags: &[String],
) -> Result<impl Iterator<Item = RowOrOdd> + Send + use<>> {
    let what = format!("read the manifest {}", manifest.display());
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .from_path(manifest)
        .map_err(Error::cause(&what))?;
    let header = reader.headers().map_err(Error::cause(&what))?.clone();
    let (path, label) = (
        column(&header, "path", manifest)?,
        column(&header, "label", manifest)?,
    );
    let optional = |name| header.iter().position(|h| h.trim() == name);
    let (split, group) = (optional("split"), optional("group"));
    if needs_split && split.is_none() {
        return Err(no_split(manifest));
    }
    let flags = flags
        .iter()
        .map(|name| Ok((column(&header, name, manifest)?, name.clone())));
    let flags: Vec<(usize, String)> = flags.collect::<Result<_>>()?;
    let file = manifest.to_path_buf();
    Ok(reader.into_records().map(move |record| {
        let record = record.map_err(|e| {
            Odd::new(
                "bad_row",
                &file,
                e.position().map_or(0, csv::Position::line),
                e.to_string(),
            )
        })?;
        let get = |i: usize| record.get(i).unwrap_or_default().trim().to_owned();
        let optional = |i: Option<usize>| i.map(get).filter(|v| !v.is_empty());
        let line = record.position().map_or(0, csv::Position::line);
        let yes = |(i, name): &(usize, String)| says_yes(&get(*i)).then(|| name.clone());
        let flags = flags.iter().filter_map(yes).collect();
        Ok(Row {
            path: get(path),
            label: get(label),
            split: optional(split),
            group: optional(group),
            flags,
            line,
        })
    }))
}

/// Whether a cell of a column of presence says that the region is there.
fn says_yes(cell: &str) -> bool {
    ["1", "1.0", "true", "yes"].contains(&cell.to_lowercase().as_str())
}

fn no_split(manifest: &Path) -> Error {
    Error::new(format!(
        "{}: dataset.splits is set, but there is no column `split`",
        manifest.display()
    ))
}

/// Position of a required column.
pub fn column(header: &StringRecord, name: &str, file: &Path) -> Result<usize> {
    header.iter().position(|h| h.trim() == name).ok_or_else(|| {
        let found = header.iter().collect::<Vec<_>>().join(", ");
        Error::new(format!(
            "{}:1: there is no column `{name}` (found: {found})",
            file.display()
        ))
    })
}

fn parquet_rows(
    manifest: &Path,
    needs_split: bool,
    flags: &[String],
) -> Result<impl Iterator<Item = RowOrOdd> + Send + use<>> {
    let metadata = frames::metadata(manifest)?;
    let found: Vec<String> = metadata
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().to_owned())
        .collect();
    let has = |name: &str| found.iter().any(|f| f == name);
    for name in ["path", "label"]
        .into_iter()
        .chain(flags.iter().map(String::as_str))
    {
        if !has(name) {
            let found = found.join(", ");
            return Err(Error::new(format!(
                "{}: there is no column `{name}` (found: {found})",
                manifest.display()
            )));
        }
    }
    if needs_split && !has("split") {
        return Err(no_split(manifest));
    }
    let meant = |name: &&String| {
        ["path", "label", "split", "group"].contains(&name.as_str()) || flags.contains(name)
    };
    let columns: Vec<String> = found.iter().filter(meant).cloned().collect();
    let first = frames::read(manifest, Some(columns.clone()), 0, ROWS)?;
    let file = manifest.to_path_buf();
    let flags = flags.to_vec();
    let (mut next, mut broken) = (Some(first), false);
    let slices = (0..).map_while(move |i| {
        if broken {
            return None;
        }
        let frame = next.take().map_or_else(
            || frames::read(&file, Some(columns.clone()), i * ROWS, ROWS),
            Ok,
        );
        // A column of a type that nobody thought of makes the library panic.
        let strange = || Error::new("it holds types that cannot be read");
        let rows = |frame| guarded(|| frame_rows(&frame, i * ROWS, &flags)).ok_or_else(strange);
        match frame.and_then(rows) {
            Ok(rows) if rows.is_empty() => None,
            Ok(rows) => Some(rows),
            Err(e) => {
                broken = true;
                Some(vec![Err(Odd::new(
                    "bad_file",
                    &file,
                    0,
                    format!("cannot be read further: {e}"),
                ))])
            }
        }
    });
    Ok(slices.flatten())
}

fn frame_rows(frame: &DataFrame, offset: usize, flags: &[String]) -> Vec<RowOrOdd> {
    let text = |name: &str, row: usize| {
        let value = frame.column(name).ok()?.get(row).ok()?;
        let text = value
            .get_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some(text)
            .filter(|_| !value.is_null())
            .filter(|t| !t.is_empty())
    };
    let row = |i: usize| Row {
        path: text("path", i).unwrap_or_default(),
        label: text("label", i).unwrap_or_default(),
        split: text("split", i),
        group: text("group", i),
        flags: flags
            .iter()
            .filter(|name| text(name, i).is_some_and(|cell| says_yes(&cell)))
            .cloned()
            .collect(),
        line: (offset + i + 1) as u64,
    };
    (0..frame.height()).map(|i| Ok(row(i))).collect()
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
