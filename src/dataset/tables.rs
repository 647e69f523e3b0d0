//! Formats that are one small table for all images: Open Images' boxes, ImageNet's LOC solution, WSOL's text files.

use super::manifest::{column, relative};
use super::problem::{Odd, boxed};
use super::{Annotation, Entry, Item, Table};
use crate::error::{Error, Result};
use crate::geometry::Size;
use csv::{Position, ReaderBuilder, StringRecord};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Entries in the order in which the table names their images first.
#[derive(Default)]
pub struct Entries {
    list: Vec<Entry>,
    at: HashMap<PathBuf, usize>,
    odd: Vec<Odd>,
}

impl Table for Entries {
    fn len(&self) -> usize {
        self.list.len()
    }

    fn item(&self, index: usize) -> Item {
        Item::Found(self.list[index].clone())
    }

    fn odd(&self) -> &[Odd] {
        &self.odd
    }
}

impl Entries {
    /// The entry of a path, made at first sight; `None` (and noted) for a path that leaves the root.
    fn entry(&mut self, path: &str, file: &Path, line: u64) -> Option<&mut Entry> {
        let Some(path) = relative(path) else {
            self.odd.push(Odd::new(
                "bad_row",
                file,
                line,
                format!("no usable path: {path:?}"),
            ));
            return None;
        };
        let at = *self.at.entry(path.clone()).or_insert_with(|| {
            self.list.push(Entry {
                path,
                ..Entry::default()
            });
            self.list.len() - 1
        });
        self.list.get_mut(at)
    }

    fn add(
        &mut self,
        path: &str,
        category: &str,
        edges: [f64; 4],
        place: (&Path, u64),
    ) -> Option<&mut Annotation> {
        let entry = self.entry(path, place.0, place.1)?;
        let note =
            |code, message: String| entry.odd.push(Odd::new(code, place.0, place.1, message));
        let annotation = boxed(category, edges, note)?;
        entry.annotations.push(annotation);
        entry.annotations.last_mut()
    }
}

/// Rows of a CSV file with their lines; what cannot be parsed is noted.
fn rows(
    file: &Path,
    header: bool,
    key: &str,
    odd: &mut Vec<Odd>,
) -> Result<(StringRecord, Vec<(StringRecord, u64)>)> {
    let what = format!("read {key} {}", file.display());
    let mut reader = ReaderBuilder::new()
        .has_headers(header)
        .flexible(!header)
        .from_path(file)
        .map_err(Error::cause(&what))?;
    let names = if header {
        reader.headers().map_err(Error::cause(&what))?.clone()
    } else {
        StringRecord::new()
    };
    let mut out = Vec::new();
    for record in reader.records() {
        match record {
            Ok(r) => {
                let line = r.position().map_or(0, Position::line);
                out.push((r, line));
            }
            Err(e) => odd.push(Odd::new(
                "bad_row",
                file,
                e.position().map_or(0, Position::line),
                e.to_string(),
            )),
        }
    }
    Ok((names, out))
}

fn number(record: &StringRecord, at: usize) -> f64 {
    record
        .get(at)
        .and_then(|v| v.trim().parse().ok())
        .unwrap_or(f64::NAN)
}

/// Open Images: `ImageID,..,LabelName,..,XMin,XMax,YMin,YMax,..,IsGroupOf,..`, normalised; `names` maps label codes.
pub fn open_images(file: &Path, names: Option<&Path>) -> Result<Entries> {
    let mut out = Entries::default();
    let mut called = HashMap::new();
    if let Some(names) = names {
        for (record, _) in rows(names, false, "dataset.names", &mut out.odd)?.1 {
            called.insert(
                record.get(0).unwrap_or_default().to_owned(),
                record.get(1).unwrap_or_default().to_owned(),
            );
        }
    }
    let (header, records) = rows(file, true, "dataset.annotations", &mut out.odd)?;
    let at = |name| column(&header, name, file);
    let (image, label) = (at("ImageID")?, at("LabelName")?);
    let edges = [at("XMin")?, at("YMin")?, at("XMax")?, at("YMax")?];
    let group = header.iter().position(|h| h.trim() == "IsGroupOf");
    for (record, line) in records {
        let code = record.get(label).unwrap_or_default();
        let category = called.get(code).map_or(code, String::as_str).to_owned();
        let path = format!("{}.jpg", record.get(image).unwrap_or_default());
        if let Some(annotation) = out.add(
            &path,
            &category,
            edges.map(|i| number(&record, i)),
            (file, line),
        ) {
            annotation.normalised = true;
            annotation.ignore = group
                .and_then(|i| record.get(i))
                .is_some_and(|g| g.trim() == "1");
        }
    }
    Ok(out)
}

/// How ImageNet's files may end.
const EXTENSIONS: [&str; 3] = ["JPEG", "jpeg", "jpg"];

/// ImageNet's `LOC_*_solution.csv`: `ImageId,PredictionString`, the latter of `class xmin ymin xmax ymax` groups.
pub fn imagenet_loc(file: &Path, root: &Path) -> Result<Entries> {
    let mut out = Entries::default();
    let (header, records) = rows(file, true, "dataset.annotations", &mut out.odd)?;
    let (image, solution) = (
        column(&header, "ImageId", file)?,
        column(&header, "PredictionString", file)?,
    );
    for (record, line) in records {
        let id = record.get(image).unwrap_or_default().trim();
        let fields: Vec<&str> = record
            .get(solution)
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let class = fields.first().copied().unwrap_or_default();
        let places = ["", &format!("{class}/")]
            .map(|folder| EXTENSIONS.map(|e| format!("{folder}{id}.{e}")));
        let found = places.as_flattened().iter().find(|p| root.join(p).exists());
        let path = found.cloned().unwrap_or_else(|| format!("{id}.JPEG"));
        for group in fields.chunks(5) {
            let edge = |i: usize| {
                group
                    .get(i)
                    .and_then(|v| v.parse().ok())
                    .unwrap_or(f64::NAN)
            };
            out.add(
                &path,
                group[0],
                [edge(1), edge(2), edge(3), edge(4)],
                (file, line),
            );
        }
        let Some(entry) = out.entry(&path, file, line) else {
            continue;
        };
        entry.label = Some(class.to_owned()).filter(|c| !c.is_empty());
    }
    Ok(out)
}

/// WSOL evaluation: `class_labels.txt` (path,index), `image_sizes.txt` (path,w,h), `localization.txt` (path,x0,y0,x1,y1).
/// `names` calls the classes, one a line; without it they are called by their numbers.
pub fn wsol(folder: &Path, names: Option<&Path>) -> Result<Entries> {
    let mut out = Entries::default();
    let key = "dataset.annotations";
    let called = names
        .map(super::yolo::names)
        .transpose()?
        .unwrap_or_default();
    let called = |index: &str| {
        index
            .parse()
            .ok()
            .and_then(|i| called.get(&i).cloned())
            .unwrap_or_else(|| index.to_owned())
    };
    let labels = folder.join("class_labels.txt");
    for (record, line) in rows(&labels, false, key, &mut out.odd)?.1 {
        let label = record.get(1).map(|l| called(l.trim()));
        let Some(entry) = out.entry(record.get(0).unwrap_or_default(), &labels, line) else {
            continue;
        };
        if entry.label.is_some() && entry.label != label {
            entry.odd.push(Odd::new(
                "two_labels",
                &labels,
                line,
                format!("{:?} and {label:?}", entry.label),
            ));
        }
        entry.label = label;
    }
    let sizes = folder.join("image_sizes.txt");
    if sizes.exists() {
        for (record, line) in rows(&sizes, false, key, &mut out.odd)?.1 {
            let side = |i| {
                Some(number(&record, i))
                    .filter(|v| *v >= 1.0)
                    .map(|v| v as u32)
            };
            let stated = side(1).zip(side(2)).map(|(w, h)| Size::new(w, h));
            if let Some(entry) = out.entry(record.get(0).unwrap_or_default(), &sizes, line) {
                entry.stated = stated;
            }
        }
    }
    let places = folder.join("localization.txt");
    if places.exists() {
        for (record, line) in rows(&places, false, key, &mut out.odd)?.1 {
            let path = record.get(0).unwrap_or_default();
            let label = relative(path)
                .and_then(|p| out.list.get(*out.at.get(&p)?))
                .and_then(|e| e.label.clone());
            out.add(
                path,
                &label.unwrap_or_default(),
                [1, 2, 3, 4].map(|i| number(&record, i)),
                (&places, line),
            );
        }
    }
    Ok(out)
}
