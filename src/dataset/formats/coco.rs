//! COCO instances: one JSON for all images, read as a stream. `iscrowd` boxes are ignored regions.
//!
//! Memory per image: 48 bytes and its file name; per annotation: 72 bytes, and its segmentation as
//! text where segmentations are used.

use super::coco_json::{self, Box, CocoFile, Image};
use super::{mask_limits, segmentation};
use crate::dataset::annotation::{Annotation, Outline};
use crate::dataset::checks::checked_box;
use crate::dataset::item::{Entry, Item, Skipped, Table};
use crate::dataset::paths::relative;
use crate::dataset::problem::{Problem, ProblemLog};
use crate::error::{Result, Skip, SkipReason, Stage};
use crate::geometry::Size;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

pub struct Coco {
    file: PathBuf,
    /// The content; boxes sorted by image.
    content: CocoFile,
    /// Whether the image of this index repeats an id or a file name.
    repeated: Vec<bool>,
    problems: Vec<Problem>,
}

impl Coco {
    /// Reads the JSON once.
    ///
    /// # Errors
    /// When the file cannot be read or is no COCO instances file; names the line.
    pub fn load(file: &Path, segmentations: bool) -> Result<Self> {
        let mut content = coco_json::read(file, segmentations)?;
        content.boxes.sort_by_key(|annotation| annotation.image_id);

        let mut ids = HashSet::new();
        let mut paths = HashSet::new();
        let mut repeated = Vec::with_capacity(content.images.len());
        for image in &content.images {
            let is_new_id = ids.insert(image.id);
            let is_new_path = paths.insert(relative(&image.file_name));
            repeated.push(!is_new_id || !is_new_path);
        }

        let mut problems = Vec::new();
        let mut log = ProblemLog::in_file(&mut problems, file);
        for annotation in &content.boxes {
            if !ids.contains(&annotation.image_id) {
                let message = format!("image_id {}", annotation.image_id);
                log.add("annotation_without_image", message);
            }
        }
        Ok(Self {
            file: file.to_path_buf(),
            content,
            repeated,
            problems,
        })
    }

    fn boxes_of(&self, image: u64) -> &[Box] {
        let boxes = &self.content.boxes;
        let start = boxes.partition_point(|annotation| annotation.image_id < image);
        let end = boxes.partition_point(|annotation| annotation.image_id <= image);
        &boxes[start..end]
    }

    fn annotation(
        &self,
        annotation: &Box,
        declared_size: Option<Size>,
        cells_max: usize,
        log: &mut ProblemLog<'_>,
    ) -> Option<Annotation> {
        let Some(category) = self.content.categories.get(&annotation.category_id) else {
            let id = annotation.category_id;
            let message = format!("category_id {id} is not in categories");
            log.add("unknown_category", message);
            return None;
        };

        let mut object = match outline(annotation, declared_size, cells_max, log) {
            Some(outline) => Annotation::new(category, outline),
            None => {
                let [x, y, w, h] = annotation.bbox.0;
                checked_box(category, [x, y, x + w, y + h], log)?
            }
        };
        object.ignore = annotation.iscrowd.0;
        Some(object)
    }
}

impl Table for Coco {
    fn len(&self) -> usize {
        self.content.images.len()
    }

    fn item(&self, index: usize) -> Item {
        let image = &self.content.images[index];
        let Some(path) = relative(&image.file_name) else {
            let message = "the file name is empty, absolute or leaves dataset.root";
            return Item::Skipped(Skipped {
                path: image.file_name.clone(),
                label: None,
                skip: Skip::new(Stage::Annotation, SkipReason::PathOutside, message),
            });
        };

        let mut entry = Entry::new(path);
        entry.declared_size = declared_size(image);
        if self.repeated[index] {
            let message = format!("image {} {:?}", image.id, image.file_name);
            let problem = Problem::in_file("duplicate", &self.file, message);
            entry.problems.push(problem);
        }

        let mut log = ProblemLog::in_file(&mut entry.problems, &self.file)
            .with_prefix(format!("image {}: ", image.id));
        let boxes = self.boxes_of(image.id);
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
    Some(Size::new(image.width? as u32, image.height? as u32))
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
