//! Formats with one annotation file beside each image: VOC, YOLO, LabelMe, masks. Their files only parse; this one walks.

use super::problem::{Odd, read_text};
use super::{Annotation, Entry, Item, walk};
use crate::error::Result;
use crate::geometry::Size;
use crate::plan::Links;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What one annotation file says.
#[derive(Debug, Default)]
pub struct Sidecar {
    /// Size of the image by the annotation.
    pub stated: Option<Size>,
    /// Label of the whole image, where the format has one.
    pub label: Option<String>,
    pub annotations: Vec<Annotation>,
    pub odd: Vec<Odd>,
}

impl Sidecar {
    /// Notes something odd at a line of the file.
    pub fn note(&mut self, code: &'static str, file: &Path, line: u64, message: impl Into<String>) {
        self.odd.push(Odd::new(code, file, line, message));
    }
}

/// Reads one annotation file.
pub type Parse = Arc<dyn Fn(&Path) -> Sidecar + Send + Sync>;

/// A reader of text files: `parse` takes the text, and the file's name for messages.
pub fn text(parse: impl Fn(&str, &Path) -> Sidecar + Send + Sync + 'static) -> Parse {
    let bad = |odd| Sidecar {
        odd: vec![odd],
        ..Sidecar::default()
    };
    Arc::new(move |file| read_text(file).map_or_else(bad, |text| parse(&text, file)))
}

/// Streams the images below `root` with what the file of the same relative name below `annotations` says, then the
/// annotation files that have no image.
pub fn items(
    root: &Path,
    links: Links,
    annotations: &Path,
    extension: &'static str,
    parse: Parse,
) -> Result<impl Iterator<Item = Item> + Send + use<>> {
    let (root, folder) = (root.to_path_buf(), annotations.to_path_buf());
    let images = walk::images(&root, links)?.map({
        let folder = folder.clone();
        move |step| step.item(|path| Item::Found(entry(path, &folder, links, extension, &parse)))
    });
    let files = walkdir::WalkDir::new(&folder)
        .sort_by_file_name()
        .into_iter()
        .filter_map(std::result::Result::ok);
    let orphans = files.filter_map(move |file| {
        let relative = file.path().strip_prefix(&folder).ok()?;
        let ours =
            file.file_type().is_file() && relative.extension().is_some_and(|e| e == extension);
        let has_image = || {
            walk::EXTENSIONS
                .iter()
                .flat_map(|e| [(*e).to_owned(), e.to_uppercase()])
        };
        let alone = ours && !has_image().any(|e| root.join(relative.with_extension(e)).exists());
        alone.then(|| {
            Item::Odd(Odd::new(
                "annotation_without_image",
                file.path(),
                0,
                "no image of this name",
            ))
        })
    });
    Ok(images.chain(orphans))
}

fn entry(path: PathBuf, folder: &Path, links: Links, extension: &str, parse: &Parse) -> Entry {
    let file = folder.join(path.with_extension(extension));
    let sidecar = if file.exists() && !walk::allowed(&file, folder, links) {
        let odd = Odd::new(
            "bad_file",
            &file,
            0,
            "a link that dataset.links does not allow",
        );
        Sidecar {
            odd: vec![odd],
            ..Sidecar::default()
        }
    } else if file.exists() {
        parse(&file)
    } else {
        let odd = Odd::new(
            "image_without_annotation",
            &file,
            0,
            "there is no such file",
        );
        Sidecar {
            odd: vec![odd],
            ..Sidecar::default()
        }
    };
    let Sidecar {
        stated,
        label,
        annotations,
        odd,
    } = sidecar;
    Entry {
        path,
        label,
        annotations,
        stated,
        odd,
        ..Entry::default()
    }
}
