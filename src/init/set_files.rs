//! What lies in the folder of a set: manifest, annotations, boxes.

use crate::plan::{split_folders, split_of_folder};
use std::path::{Path, PathBuf};

const MANIFESTS: [&str; 6] = [
    "manifest.csv",
    "manifest.tsv",
    "manifest.parquet",
    "labels.csv",
    "labels.tsv",
    "labels.parquet",
];
/// Folders of annotations.
const FOLDERS: [&str; 4] = ["annotations", "Annotations", "labels", "masks"];
/// COCO files.
const JSON: [&str; 4] = [
    "_annotations.coco.json",
    "annotations.json",
    "instances.json",
    "coco.json",
];
/// Names of the classes of annotations.
const NAMES: [&str; 4] = ["data.yaml", "data.yml", "names.txt", "classes.txt"];

/// The files that describe a set beside its images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetFiles {
    pub manifest: Option<PathBuf>,
    pub annotations: Option<PathBuf>,
    /// Names of the classes that annotations number.
    pub names: Option<PathBuf>,
    /// Boxes beside the set.
    pub boxes: Option<PathBuf>,
}

impl SetFiles {
    /// Everything that the folder may be, the most telling first. The last one is class folders,
    /// shards or Parquet files.
    pub fn candidates(root: &Path) -> Vec<Self> {
        let boxes = boxes(root);
        let mut candidates = Vec::new();
        for manifest in existing(root, &MANIFESTS) {
            candidates.push(Self {
                manifest: Some(manifest),
                boxes: boxes.clone(),
                ..Self::default()
            });
        }
        for annotations in annotations(root) {
            let names = existing(root, &NAMES).into_iter().next();
            for names in [names.clone(), None] {
                candidates.push(Self {
                    annotations: Some(annotations.clone()),
                    names,
                    ..Self::default()
                });
            }
        }
        candidates.dedup();
        candidates.push(Self {
            boxes,
            ..Self::default()
        });
        candidates
    }

    /// For people: the files by name.
    pub fn named(&self) -> String {
        let files = [&self.manifest, &self.annotations, &self.names, &self.boxes];
        let files = files.into_iter().flatten();
        let names: Vec<String> = files.map(|file| file.display().to_string()).collect();
        names.join(", ")
    }
}

/// Splits of a set of class folders that the model was not trained on, by the names of the folders.
pub fn held_out_splits(root: &Path) -> Vec<String> {
    let mut splits = Vec::new();
    for folder in split_folders(root).unwrap_or_default() {
        if let Some(split) = split_of_folder(&folder)
            && split != "train"
        {
            splits.push(split.to_owned());
        }
    }
    splits.sort();
    splits.dedup();
    splits
}

fn existing(root: &Path, names: &[&str]) -> Vec<PathBuf> {
    let files = names.iter().map(|name| root.join(name));
    files.filter(|file| file.is_file()).collect()
}

/// Files and folders of annotations: a COCO file at the root, a COCO file in a folder of
/// annotations, such a folder itself.
fn annotations(root: &Path) -> Vec<PathBuf> {
    let mut found = existing(root, &JSON);
    for name in FOLDERS {
        let folder = root.join(name);
        if !folder.is_dir() {
            continue;
        }
        found.extend(existing(&folder, &JSON));
        found.push(folder);
    }
    found
}

/// `boxes.csv` in the folder, or `NAME.boxes.csv` beside it.
fn boxes(root: &Path) -> Option<PathBuf> {
    let inside = root.join("boxes.csv");
    if inside.is_file() {
        return Some(inside);
    }
    let name = root.file_name()?.to_str()?;
    let beside = root.with_file_name(format!("{name}.boxes.csv"));
    beside.is_file().then_some(beside)
}
