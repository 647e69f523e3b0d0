//! `[dataset]`: where the images are, in which format, and what to do with problems.

use super::checker::Checker;
use super::format;
use crate::plan::file::{
    BoxCoordinates, DatasetFile, Format, LabelRule, Links, ProblemAction, UnknownLabels,
};
use crate::plan::problems::{CODES, IMPLAUSIBLE_BOXES, Policy};
use crate::plan::types::Dataset;

pub fn dataset(file: &DatasetFile, check: &mut Checker<'_>) -> Dataset {
    let root = check.folder("dataset.root", file.root.as_ref());
    let root = check.required("dataset.root", root, "the folder of the images");
    let manifest = check.file("dataset.manifest", file.manifest.as_ref());
    let boxes = check.file("dataset.boxes", file.boxes.as_ref());
    let names = check.file("dataset.names", file.names.as_ref());
    let label_table = check.file("dataset.label_table", file.label_table.as_ref());
    let annotations = check.file_or_folder("dataset.annotations", file.annotations.as_ref());

    let (format, guess) = match file.format {
        Some(format) => (format, None),
        None => format::guess(&root, manifest.as_deref(), annotations.as_deref()),
    };
    check_keys_of_format(file, format, check);
    check_columns(file, format, check);
    check_label_table(file, check);
    check_problem_codes(file, check);

    Dataset {
        root,
        format,
        guess,
        manifest,
        columns: file.columns.clone().unwrap_or_default(),
        annotations,
        names,
        label: file.label,
        label_table,
        problems: Policy::new(&file.problems),
        boxes,
        box_coordinates: file.box_coordinates.unwrap_or(BoxCoordinates::Pixels),
        splits: file.splits.clone(),
        segmentations: file.segmentations.unwrap_or(false),
        near_duplicates: file.near_duplicates.unwrap_or(true),
        presence_columns: Vec::new(),
        keeps_cells: false,
        links: file.links.unwrap_or(Links::Inside),
        unknown_labels: file.unknown_labels.unwrap_or(UnknownLabels::Error),
        labels: file.labels.clone(),
    }
}

/// What a format makes of a key.
enum Usage {
    Required,
    Optional,
    Invalid,
}

impl Usage {
    fn required_if(condition: bool) -> Self {
        if condition {
            Self::Required
        } else {
            Self::Invalid
        }
    }

    fn optional_if(condition: bool) -> Self {
        if condition {
            Self::Optional
        } else {
            Self::Invalid
        }
    }
}

/// Every format needs some keys and does not know others.
fn check_keys_of_format(file: &DatasetFile, format: Format, check: &mut Checker<'_>) {
    let is_manifest = format.is_manifest();
    let keys = [
        (
            "dataset.manifest",
            file.manifest.is_some(),
            Usage::required_if(is_manifest),
        ),
        (
            "dataset.splits",
            file.splits.is_some(),
            Usage::optional_if(is_manifest || format == Format::Folder),
        ),
        (
            "dataset.annotations",
            file.annotations.is_some(),
            Usage::required_if(has_annotations(format)),
        ),
        ("dataset.names", file.names.is_some(), names_usage(format)),
        (
            "dataset.segmentations",
            file.segmentations.is_some(),
            Usage::optional_if(format == Format::Coco),
        ),
    ];

    let name = format.name();
    for (key, is_given, usage) in keys {
        match usage {
            Usage::Required if !is_given => {
                check.problem(key, format!("missing: format {name:?} needs it"));
            }
            Usage::Invalid if is_given => {
                check.problem(key, format!("not valid with format {name:?}"));
            }
            _ => {}
        }
    }
}

/// Whether the annotations of a format are in a file or folder of their own.
fn has_annotations(format: Format) -> bool {
    let only_images = matches!(
        format,
        Format::Folder | Format::Webdataset | Format::ParquetImages
    );
    !only_images && !format.is_manifest()
}

fn names_usage(format: Format) -> Usage {
    match format {
        Format::Yolo => Usage::Required,
        Format::OpenImages | Format::Wsol | Format::Webdataset | Format::Masks => Usage::Optional,
        _ => Usage::Invalid,
    }
}

fn check_label_table(file: &DatasetFile, check: &mut Checker<'_>) {
    let is_needed = file.label == Some(LabelRule::Table);
    let is_given = file.label_table.is_some();
    if is_needed && !is_given {
        check.problem("dataset.label_table", "missing: label = \"table\" needs it");
    }
    if is_given && !is_needed {
        check.problem("dataset.label_table", "only valid with label = \"table\"");
    }
}

/// Every format has some of the columns.
fn check_columns(file: &DatasetFile, format: Format, check: &mut Checker<'_>) {
    let columns = file.columns.clone().unwrap_or_default();
    let is_manifest = format.is_manifest();
    let holds_images = matches!(format, Format::ParquetImages | Format::Webdataset);
    let keys = [
        ("path", &columns.path, is_manifest),
        ("label", &columns.label, is_manifest || holds_images),
        ("split", &columns.split, is_manifest),
        ("group", &columns.group, is_manifest),
        ("image", &columns.image, holds_images),
        ("objects", &columns.objects, format == Format::ParquetImages),
    ];
    for (name, value, is_valid) in keys {
        if value.is_some() && !is_valid {
            let message = format!("not valid with format {:?}", format.name());
            check.problem(&format!("dataset.columns.{name}"), message);
        }
    }
}

fn check_problem_codes(file: &DatasetFile, check: &mut Checker<'_>) {
    let known = CODES.map(|(code, ..)| code);
    for code in file.problems.keys() {
        if !known.contains(&code.as_str()) {
            let expected = known.join(", ");
            check.problem(
                &format!("dataset.problems.{code}"),
                format!("unknown code, expected one of {expected}"),
            );
        }
    }
    if file.problems.get(IMPLAUSIBLE_BOXES) == Some(&ProblemAction::Skip) {
        check.problem(
            &format!("dataset.problems.{IMPLAUSIBLE_BOXES}"),
            "it is a problem of the whole dataset: allowed are \"error\" and \"ignore\"",
        );
    }
}
