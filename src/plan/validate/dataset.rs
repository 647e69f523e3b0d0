//! `[dataset]`: where the images are, in which format, and what to do with oddities.

use super::super::file::{DatasetFile, PipelineFile};
use super::super::problems::{CODES, Policy};
use super::super::read::Document;
use super::super::{BoxCoordinates, Dataset, Format, LabelRule, Links};
use super::{existing, required};
use std::path::{Path, PathBuf};

pub fn dataset(parsed: &PipelineFile, base: &Path, doc: &mut Document<'_>) -> Dataset {
    let d = &parsed.dataset;
    let root = existing(d.root.as_ref(), base, "dataset.root", true, doc);
    let root = required(root, "dataset.root", "the folder of the images", doc);
    let mut file =
        |value: &Option<String>, key: &str| existing(value.as_ref(), base, key, false, doc);
    let manifest = file(&d.manifest, "dataset.manifest");
    let boxes = file(&d.boxes, "dataset.boxes");
    let names = file(&d.names, "dataset.names");
    let label_table = file(&d.label_table, "dataset.label_table");
    let annotations = d.annotations.as_ref().map(|a| base.join(a));
    if let Some(path) = annotations.as_ref().filter(|p| !p.exists()) {
        let message = format!(
            "there is no {} (paths are relative to the pipeline file)",
            path.display()
        );
        doc.complain("dataset.annotations", message);
    }
    let (format, guess) = match d.format {
        Some(format) => (format, None),
        None => guess(&root, manifest.as_deref(), annotations.as_deref()),
    };
    fitting(d, format, doc);
    for code in d
        .problems
        .keys()
        .filter(|k| !CODES.iter().any(|(c, ..)| c == k))
    {
        let known = CODES.map(|(c, ..)| c).join(", ");
        doc.complain(
            &format!("dataset.problems.{code}"),
            format!("unknown code, expected one of {known}"),
        );
    }
    Dataset {
        root,
        format,
        guess,
        manifest,
        annotations,
        names,
        label: d.label,
        label_table,
        problems: Policy::new(&d.problems),
        boxes,
        box_coordinates: d.box_coordinates.unwrap_or(BoxCoordinates::Pixels),
        splits: d.splits.clone(),
        near_duplicates: d.near_duplicates.unwrap_or(true),
        presence_columns: Vec::new(),
        segmentations: d.segmentations.unwrap_or(false),
        links: d.links.unwrap_or(Links::Inside),
        labels: d.labels.clone(),
    }
}

/// Keys that a format needs, and keys that it does not know.
fn fitting(d: &DatasetFile, format: Format, doc: &mut Document<'_>) {
    let is_manifest = matches!(format, Format::Csv | Format::Tsv | Format::Parquet);
    let is_folder = matches!(
        format,
        Format::Folder | Format::Webdataset | Format::ParquetImages
    );
    let keys = [
        (
            "dataset.manifest",
            d.manifest.is_some(),
            is_manifest,
            is_manifest,
        ),
        ("dataset.splits", d.splits.is_some(), false, is_manifest),
        (
            "dataset.annotations",
            d.annotations.is_some(),
            !is_manifest && !is_folder,
            !is_manifest && !is_folder,
        ),
        (
            "dataset.names",
            d.names.is_some(),
            format == Format::Yolo,
            matches!(
                format,
                Format::Yolo
                    | Format::OpenImages
                    | Format::Wsol
                    | Format::Webdataset
                    | Format::Masks
            ),
        ),
        (
            "dataset.segmentations",
            d.segmentations.is_some(),
            false,
            format == Format::Coco,
        ),
        (
            "dataset.label_table",
            d.label_table.is_some(),
            d.label == Some(LabelRule::Table),
            d.label == Some(LabelRule::Table),
        ),
    ];
    for (key, given, needed, allowed) in keys {
        if needed && !given {
            doc.complain(
                key,
                format!(
                    "missing: {} needs it",
                    if key.ends_with("label_table") {
                        "label = \"table\""
                    } else {
                        format.name()
                    }
                ),
            );
        } else if given && !allowed {
            doc.complain(
                key,
                format!(
                    "only goes with {}",
                    if key.ends_with("label_table") {
                        "label = \"table\""
                    } else {
                        "other formats"
                    }
                ),
            );
        }
    }
}

/// The format that the named files look like, and why.
fn guess(
    root: &Path,
    manifest: Option<&Path>,
    annotations: Option<&Path>,
) -> (Format, Option<String>) {
    let because = |format, reason: String| (format, Some(reason));
    let extension = |p: &Path| {
        p.extension()
            .map(|e| e.to_string_lossy().to_lowercase())
            .unwrap_or_default()
    };
    if let Some(file) = manifest {
        let format = match extension(file).as_str() {
            "tsv" | "tab" => Format::Tsv,
            "parquet" | "pq" => Format::Parquet,
            _ => Format::Csv,
        };
        return because(format, format!("manifest is {}", file.display()));
    }
    let Some(path) = annotations else {
        let inside = [
            ("tar", Format::Webdataset),
            ("parquet", Format::ParquetImages),
        ];
        if let Some((file, format)) = inside
            .into_iter()
            .find_map(|(e, format)| Some((first_file(root, e)?, format)))
        {
            return because(format, format!("root holds {}", file.display()));
        }
        return because(
            Format::Folder,
            "neither a manifest nor annotations are named".into(),
        );
    };
    if path.is_dir() {
        if path.join("class_labels.txt").exists() {
            return because(Format::Wsol, "annotations holds class_labels.txt".into());
        }
        let first = |wanted: &str| first_file(path, wanted);
        let found = [
            ("xml", Format::Voc),
            ("json", Format::Labelme),
            ("txt", Format::Yolo),
            ("png", Format::Masks),
        ];
        let hit = found
            .into_iter()
            .find_map(|(e, format)| Some((format, first(e)?)));
        return hit.map_or((Format::Voc, None), |(format, file)| {
            because(format, format!("annotations holds {}", file.display()))
        });
    }
    if extension(path) == "json" {
        return because(Format::Coco, format!("annotations is {}", path.display()));
    }
    let head = std::fs::read_to_string(path).unwrap_or_default();
    let header = head.lines().next().unwrap_or_default();
    let format = if header.contains("PredictionString") {
        Format::ImagenetLoc
    } else {
        Format::OpenImages
    };
    because(
        format,
        format!("the header of {} is {header:?}", path.display()),
    )
}

/// A file of this extension below a folder, the first by name.
fn first_file(folder: &Path, extension: &str) -> Option<PathBuf> {
    let files = walkdir::WalkDir::new(folder)
        .max_depth(3)
        .sort_by_file_name()
        .into_iter()
        .filter_map(Result::ok);
    files
        .map(walkdir::DirEntry::into_path)
        .find(|p| p.extension().is_some_and(|e| e == extension))
}
