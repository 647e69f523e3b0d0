//! Formats with one annotation file beside each image: VOC, YOLO, LabelMe, masks. Their own files
//! only parse; this one walks the folders.

use crate::bounded;
use crate::dataset::annotation::Annotation;
use crate::dataset::item::{Entry, Item};
use crate::dataset::problem::Problem;
use crate::dataset::walk::{self, Step};
use crate::error::Result;
use crate::geometry::Size;
use crate::plan::Links;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Largest annotation file of one image: a thousand polygons of a thousand points take 20 MB.
pub const TEXT_BYTES_MAX: u64 = 32 << 20;

/// The content of one annotation file.
#[derive(Debug, Default)]
pub struct Sidecar {
    /// Size of the image by the annotation.
    pub declared_size: Option<Size>,
    /// Label of the whole image, where the format has one.
    pub label: Option<String>,
    pub annotations: Vec<Annotation>,
    pub problems: Vec<Problem>,
}

impl Sidecar {
    /// A file that cannot be used.
    pub fn of_problem(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
            ..Self::default()
        }
    }
}

/// Parses one annotation file.
pub type Parse = Arc<dyn Fn(&Path) -> Sidecar + Send + Sync>;

/// A parser of text files of at most `bytes_max` bytes: `parse` takes the text, and the file's name
/// for messages.
pub fn text(
    bytes_max: u64,
    parse: impl Fn(&str, &Path) -> Sidecar + Send + Sync + 'static,
) -> Parse {
    Arc::new(move |file| match read_text(file, bytes_max) {
        Ok(text) => parse(&text, file),
        Err(problem) => Sidecar::of_problem(problem),
    })
}

/// Where the annotation files are, and how to parse them.
#[derive(Clone)]
pub struct SidecarFormat {
    pub folder: PathBuf,
    pub extension: &'static str,
    pub parse: Parse,
}

impl SidecarFormat {
    /// Streams the images below `root` with the annotation file of the same relative name, then the
    /// annotation files that have no image.
    ///
    /// # Errors
    /// When the root cannot be opened.
    pub fn items(
        &self,
        root: &Path,
        links: Links,
    ) -> Result<impl Iterator<Item = Item> + Send + use<>> {
        let format = self.clone();
        let images = walk::images(root, links)?.map(move |step| match step {
            Step::File(path) => Item::Found(format.entry(path, links)),
            Step::Skipped(skipped) => Item::Skipped(skipped),
            Step::Ignored(kind) => Item::Ignored(kind),
        });

        let format = self.clone();
        let root = root.to_path_buf();
        let files = walk::files(&self.folder, &[self.extension], links)?;
        let orphans = files.filter_map(move |step| match step {
            Step::File(file) if format.is_orphan(&file, &root) => {
                Some(Item::Problem(orphan_problem(&format.folder.join(file))))
            }
            _ => None,
        });

        Ok(images.chain(orphans))
    }

    fn entry(&self, path: PathBuf, links: Links) -> Entry {
        let sidecar = self.read(&path, links);
        Entry {
            path,
            label: sidecar.label,
            annotations: sidecar.annotations,
            declared_size: sidecar.declared_size,
            problems: sidecar.problems,
            ..Entry::default()
        }
    }

    /// Parses the annotation file of an image.
    fn read(&self, image: &Path, links: Links) -> Sidecar {
        let file = self.folder.join(image.with_extension(self.extension));
        if !file.exists() {
            let message = "there is no such file";
            let problem = Problem::in_file("image_without_annotation", &file, message);
            return Sidecar::of_problem(problem);
        }
        if !walk::is_allowed(&file, &self.folder, links) {
            let message = "a link that dataset.links does not allow";
            return Sidecar::of_problem(Problem::in_file("bad_file", &file, message));
        }
        (self.parse)(&file)
    }

    /// Whether an annotation file, by its path in the folder, belongs to no image.
    fn is_orphan(&self, file: &Path, root: &Path) -> bool {
        for extension in walk::EXTENSIONS {
            let image = root.join(file);
            let has_image = image.with_extension(extension).exists()
                || image.with_extension(extension.to_uppercase()).exists();
            if has_image {
                return false;
            }
        }
        true
    }
}

fn orphan_problem(file: &Path) -> Problem {
    Problem::in_file("annotation_without_image", file, "no image of this name")
}

/// The text of an annotation file, without a byte-order mark.
fn read_text(file: &Path, bytes_max: u64) -> Result<String, Problem> {
    let bytes = bounded::bytes(file, bytes_max)
        .map_err(|error| Problem::in_file("bad_file", file, error.to_string()))?;
    let mut text = String::from_utf8(bytes)
        .map_err(|error| Problem::in_file("bad_encoding", file, error.utf8_error().to_string()))?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    Ok(text)
}
