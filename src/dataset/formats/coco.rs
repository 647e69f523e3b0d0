//! COCO instances: one JSON for all images, read as a stream. `iscrowd` boxes are ignored regions.
//!
//! Memory per image: 56 bytes and its file name; per annotation: 104 bytes, and its segmentation as
//! text where segmentations are used.

use super::coco_json::{self, Box, CocoFile, Id, Image};
use super::{mask_limits, segmentation};
use crate::dataset::annotation::{Annotation, Outline};
use crate::dataset::checks::{checked_box, checked_size};
use crate::dataset::item::{Entry, Item, Skipped, Table};
use crate::dataset::paths::SetRoot;
use crate::dataset::problem::{Problem, ProblemLog};
use crate::error::{Result, Skip, SkipReason, Stage};
use crate::geometry::Size;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

pub struct Coco {
    file: PathBuf,
    root: SetRoot,
    /// The content; boxes sorted by image.
    content: CocoFile,
    /// Ids of more than one image.
    shared_ids: HashSet<Id>,
    /// Whether the image of this index repeats a file name.
    is_repeated: Vec<bool>,
    problems: Vec<Problem>,
}

impl Coco {
    /// Reads the JSON once.
    ///
    /// # Errors
    /// When the file cannot be read or is no COCO instances file; names the line.
    pub fn load(file: &Path, root: &Path, segmentations: bool) -> Result<Self> {
        let mut content = coco_json::read(file, segmentations)?;
        content.boxes.sort_by(|a, b| a.image_id.cmp(&b.image_id));

        let root = SetRoot::new(root);
        let mut ids = HashMap::new();
        let mut shared_ids = HashSet::new();
        let mut paths = HashSet::new();
        let mut is_repeated = Vec::with_capacity(content.images.len());
        for image in &content.images {
            if let Some(id) = &image.id {
                let first = ids.entry(id).or_insert(&image.file_name);
                // An image that is listed twice is still one image.
                if *first != &image.file_name {
                    shared_ids.insert(id.clone());
                }
            }
            is_repeated.push(!paths.insert(root.relative(&image.file_name)));
        }

        let mut problems = Vec::new();
        let mut log = ProblemLog::in_file(&mut problems, file);
        for annotation in &content.boxes {
            match &annotation.image_id {
                Some(id) if ids.contains_key(id) => {}
                Some(id) => log.add("annotation_without_image", format!("image_id {id}")),
                None => log.add("annotation_without_image", "an annotation without image_id"),
            }
        }
        Ok(Self {
            file: file.to_path_buf(),
            root,
            content,
            shared_ids,
            is_repeated,
            problems,
        })
    }

    /// The boxes of an image; none where another image has its id.
    fn boxes_of(&self, image: &Image) -> &[Box] {
        if image.id.is_none() || self.shares_id(image) {
            return &[];
        }
        let boxes = &self.content.boxes;
        let start = boxes.partition_point(|annotation| annotation.image_id < image.id);
        let end = boxes.partition_point(|annotation| annotation.image_id <= image.id);
        &boxes[start..end]
    }

    fn shares_id(&self, image: &Image) -> bool {
        image
            .id
            .as_ref()
            .is_some_and(|id| self.shared_ids.contains(id))
    }

    fn annotation(
        &self,
        annotation: &Box,
        declared_size: Option<Size>,
        cells_max: usize,
        log: &mut ProblemLog<'_>,
    ) -> Option<Annotation> {
        let Some(id) = &annotation.category_id else {
            log.add("unknown_category", "an annotation without category_id");
            return None;
        };
        let Some(category) = self.content.categories.get(id) else {
            let message = format!("category_id {id} is not in categories");
            log.add("unknown_category", message);
            return None;
        };
        let Some(iscrowd) = annotation.iscrowd.0 else {
            let message = format!("{category}: iscrowd is neither true nor false");
            log.add("bad_annotation", message);
            return None;
        };

        let mut object = match outline(annotation, declared_size, cells_max, log) {
            Some(_) if category.trim().is_empty() => {
                log.add("unknown_category", format!("category_id {id} has no name"));
                return None;
            }
            Some(outline) => Annotation::new(category, outline),
            None => {
                let [x, y, w, h] = annotation.bbox.0;
                checked_box(category, [x, y, x + w, y + h], log)?
            }
        };
        object.ignore = iscrowd;
        Some(object)
    }
}

impl Table for Coco {
    fn len(&self) -> usize {
        self.content.images.len()
    }

    fn item(&self, index: usize) -> Item {
        let image = &self.content.images[index];
        let Some(path) = self.root.relative(&image.file_name) else {
            let message = "the file name is empty or leaves dataset.root";
            return Item::Skipped(Skipped {
                path: image.file_name.clone(),
                label: None,
                skip: Skip::new(Stage::Annotation, SkipReason::PathOutside, message),
            });
        };

        let mut entry = Entry::new(path);
        entry.declared_size = declared_size(image);
        let id = image.id.as_ref().map_or("null".to_owned(), Id::to_string);
        let name = format!("image {id} {:?}", image.file_name);
        if self.shares_id(image) {
            let message = format!("{name}: another image has this id");
            let problem = Problem::in_file("duplicate_id", &self.file, message);
            entry.problems.push(problem);
        }
        if self.is_repeated[index] {
            let problem = Problem::in_file("duplicate", &self.file, name);
            entry.problems.push(problem);
        }

        let mut log = ProblemLog::in_file(&mut entry.problems, &self.file)
            .with_prefix(format!("image {id}: "));
        let boxes = self.boxes_of(image);
        let cells_max = mask_limits::cells_of_each(boxes.len());
        for annotation in boxes {
            let object = self.annotation(annotation, entry.declared_size, cells_max, &mut log);
            entry.annotations.extend(object);
        }
        Item::Found(entry)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn declared_size(image: &Image) -> Option<Size> {
    checked_size(image.width, image.height)
}

/// The outline of the segmentation; `None` where there is none that can be used.
fn outline(
    annotation: &Box,
    declared_size: Option<Size>,
    cells_max: usize,
    log: &mut ProblemLog<'_>,
) -> Option<Outline> {
    let json = annotation.segmentation.as_ref()?.get();
    match segmentation::outline(json, declared_size, cells_max) {
        Ok(outline) => outline,
        Err(message) => {
            log.add("bad_segmentation", message);
            None
        }
    }
}
