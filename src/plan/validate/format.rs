//! Guesses the format of a dataset from the files that the pipeline names.

use crate::bounded;
use crate::plan::file::Format;
use crate::plan::run_folder::is_run_folder;
use crate::plan::split_folders::split_folders;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Folder levels that are searched for a file of a telling extension.
const DEPTH_MAX: usize = 3;
/// Longest beginning of a file that is read to guess its format.
const HEADER_BYTES_MAX: u64 = 4 << 10;

/// The format that the named files look like, and the reason.
///
/// Without a reason the format is only the most likely one for a folder of annotations.
pub fn guess(
    root: &Path,
    manifest: Option<&Path>,
    annotations: Option<&Path>,
) -> (Format, Option<String>) {
    if let Some(manifest) = manifest {
        return of_manifest(manifest);
    }
    match annotations {
        None => of_images(root),
        Some(path) if path.is_dir() => of_annotation_folder(path),
        Some(path) => of_annotation_file(path),
    }
}

fn of_manifest(file: &Path) -> (Format, Option<String>) {
    let format = match extension(file).as_str() {
        "tsv" | "tab" => Format::Tsv,
        "parquet" | "pq" => Format::Parquet,
        _ => Format::Csv,
    };
    (format, Some(format!("manifest is {}", file.display())))
}

fn of_images(root: &Path) -> (Format, Option<String>) {
    let known = [
        ("tar", Format::Webdataset),
        ("tgz", Format::Webdataset),
        ("parquet", Format::ParquetImages),
    ];
    for (extension, format) in known {
        if let Some(file) = first_file(root, extension) {
            return (format, Some(format!("root holds {}", file.display())));
        }
    }
    let mut reason = "neither a manifest nor annotations are named".to_owned();
    if let Some(splits) = split_folders(root) {
        reason += &format!("; the folders {} hold splits", splits.join(", "));
    }
    (Format::Folder, Some(reason))
}

fn of_annotation_folder(folder: &Path) -> (Format, Option<String>) {
    if folder.join("class_labels.txt").exists() {
        let reason = "annotations holds class_labels.txt";
        return (Format::Wsol, Some(reason.into()));
    }

    let known = [
        ("xml", Format::Voc),
        ("json", Format::Labelme),
        ("txt", Format::Yolo),
        ("png", Format::Masks),
    ];
    for (extension, format) in known {
        if let Some(file) = first_file(folder, extension) {
            let reason = format!("annotations holds {}", file.display());
            return (format, Some(reason));
        }
    }
    (Format::Voc, None)
}

fn of_annotation_file(file: &Path) -> (Format, Option<String>) {
    if extension(file) == "json" {
        let reason = format!("annotations is {}", file.display());
        return (Format::Coco, Some(reason));
    }

    let header = first_line(file).unwrap_or_default();
    let format = if header.contains("PredictionString") {
        Format::ImagenetLoc
    } else {
        Format::OpenImages
    };
    let reason = format!("the header of {} is {header:?}", file.display());
    (format, Some(reason))
}

/// The first line of a regular file, or its beginning.
fn first_line(file: &Path) -> std::io::Result<String> {
    let mut line = Vec::new();
    let start = bounded::open(file)?.take(HEADER_BYTES_MAX);
    BufReader::new(start).read_until(b'\n', &mut line)?;
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// The extension in lower case; empty if there is none.
fn extension(path: &Path) -> String {
    match path.extension() {
        Some(extension) => extension.to_string_lossy().to_lowercase(),
        None => String::new(),
    }
}

/// The first file by name with this extension below a folder.
fn first_file(folder: &Path, extension: &str) -> Option<PathBuf> {
    let entries = walkdir::WalkDir::new(folder)
        .max_depth(DEPTH_MAX)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| {
            entry.depth() == 0 || !(is_hidden(entry) || is_run_folder(entry.path()))
        });
    for entry in entries.filter_map(Result::ok) {
        if entry.path().extension().is_some_and(|e| e == extension) {
            return Some(entry.into_path());
        }
    }
    None
}

fn is_hidden(entry: &walkdir::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}
