//! Images to audit, with their labels and annotations.

use super::annotation::Annotation;
use super::checks;
use super::problem::{Problem, ProblemLog};
use super::shared;
use crate::geometry::{Size, Transpose};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// BLAKE3 of an image's path relative to the root, the first 16 bytes. It is written as 32
/// hexadecimal digits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct ImageId(pub u128);

impl ImageId {
    /// The id of a path relative to the root.
    pub fn of(path: &Path) -> Self {
        let hash = blake3::hash(path.as_os_str().as_encoded_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        Self(u128::from_be_bytes(bytes))
    }

    /// Reads 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        // `from_str_radix` alone also takes a sign and fewer digits.
        let is_hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_hex {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(Self)
    }

    /// The bytes in the order of the hash.
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One image to audit.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Sample {
    pub id: ImageId,
    /// Path relative to the root, for people.
    pub path: String,
    /// Where the bytes are.
    pub source: Source,
    pub label: String,
    /// Index of the label's class in the model.
    pub class: usize,
    pub split: Option<String>,
    /// Images of one group (patient, source, near-duplicates) are one piece of evidence.
    pub group: Option<String>,
    pub annotations: Vec<Annotation>,
    /// Presence columns of the manifest that are true.
    pub flags: Vec<String>,
    /// Cells of the manifest by column, where properties are searched for.
    pub cells: Vec<(String, String)>,
    /// Size of the image by the annotation.
    pub declared_size: Option<Size>,
    /// What was measured, where the photo is read again.
    #[serde(skip)]
    pub measured: Option<Arc<MeasuredContent>>,
}

/// The bytes of a photo that was measured. Where it is read again, other bytes take no part.
#[derive(Debug)]
pub struct MeasuredContent {
    /// BLAKE3, in hexadecimal digits.
    pub hash: String,
    is_changed: AtomicBool,
}

impl MeasuredContent {
    pub fn new(hash: String) -> Self {
        Self {
            hash,
            is_changed: AtomicBool::new(false),
        }
    }

    /// Whether bytes are those that were measured; remembers where they are not.
    pub fn is_equal(&self, bytes: &[u8]) -> bool {
        let is_equal = blake3::hash(bytes).to_hex().as_str() == self.hash;
        if !is_equal {
            self.is_changed.store(true, Ordering::Relaxed);
        }
        is_equal
    }

    /// Whether other bytes were read at any time.
    pub fn is_changed(&self) -> bool {
        self.is_changed.load(Ordering::Relaxed)
    }
}

/// Where an image's bytes are.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub enum Source {
    File(PathBuf),
    /// A part of a file: an entry of a tar shard.
    Slice {
        #[serde(with = "shared")]
        file: Arc<PathBuf>,
        start: u64,
        length: u64,
    },
    /// In memory: a cell of a Parquet row group. Empty where the cell has no bytes, or where they
    /// were not asked for ([`ImageBytes::Leave`]).
    Bytes(#[serde(with = "shared::bytes")] Arc<[u8]>),
    /// Nowhere, with the reason.
    Missing(String),
}

/// Whether samples carry the bytes of images that are stored beside their labels (Parquet sets).
///
/// In all other formats a sample only says where its bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageBytes {
    Read,
    Leave,
}

impl Sample {
    /// Checks the annotations against the decoded image and returns their problems.
    ///
    /// Annotations drawn on the photo before its EXIF orientation are moved to the upright photo.
    pub fn fit(&mut self, size: Size, transpose: Option<Transpose>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut log = ProblemLog::in_file(&mut problems, Path::new(&self.path));

        if let Some(declared) = self.declared_size.filter(|declared| *declared != size) {
            let is_stored_size = declared == Size::new(size.height, size.width);
            match transpose.filter(|_| is_stored_size) {
                Some(transpose) => {
                    for annotation in &mut self.annotations {
                        annotation.transpose(transpose, declared);
                    }
                }
                None => log.add(
                    "size_contradicts",
                    format!("the annotation says {declared}, the file is {size}"),
                ),
            }
        }

        checks::check_inside(&self.annotations, size, &mut log);
        problems
    }
}
