//! Pictures of a set that are not read: formats without a decoder, and names that hide the format.

use std::collections::BTreeMap;
use std::path::Path;

/// A picture by its name, whose extension is none of those that are read.
pub const OTHER_FORMAT: &str = "picture of a format that is not read";
/// An image file that belongs to no class of a set of class folders.
pub const OUTSIDE: &str = "file outside the class folders";

/// Extensions of pictures that are not read.
const OTHER_EXTENSIONS: [&str; 24] = [
    "jfif", "heic", "heif", "hif", "avif", "jp2", "j2k", "jpf", "jpx", "jxl", "jxr", "ppm", "pgm",
    "pbm", "pnm", "pam", "dng", "cr2", "cr3", "nef", "arw", "psd", "tga", "dcm",
];

/// Parts of names that a download or a copy leaves behind the extension, as in `a.jpg?w=1`.
const READ_EXTENSIONS: [&str; 4] = [".jpg", ".jpeg", ".png", ".webp"];

/// Extensions of files about a picture, as in `a.jpg.json`.
const BESIDE: [&str; 12] = [
    "txt", "json", "xml", "csv", "tsv", "yaml", "yml", "md", "md5", "sha1", "sha256", "npy",
];

/// Whether a file whose extension is not read looks like a picture by its name.
pub fn is_picture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    let name = name.to_string_lossy().to_lowercase();
    let extension = name.rsplit('.').next().unwrap_or_default();
    if OTHER_EXTENSIONS.contains(&extension) {
        return true;
    }
    let has_read_extension = READ_EXTENSIONS.iter().any(|part| name.contains(part));
    has_read_extension && !BESIDE.contains(&extension)
}

/// The ignored files that are pictures, of all that were ignored by kind.
pub fn ignored_pictures(ignored: &BTreeMap<String, usize>) -> BTreeMap<&str, usize> {
    let kinds = [OTHER_FORMAT, OUTSIDE];
    let counts = kinds
        .iter()
        .filter_map(|kind| ignored.get(*kind).map(|files| (*kind, *files)));
    counts.collect()
}
