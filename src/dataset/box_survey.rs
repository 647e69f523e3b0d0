//! Whether the boxes of a set can be what their format says. Boxes in other units, or with their
//! numbers in another order, give plausible rows and wrong verdicts.

use super::annotation::{Annotation, Outline};
use super::item::Entry;
use super::problem::Problem;
use super::sample::{ImageId, Source};
use crate::geometry::{Rect, Size};
use crate::plan::problems::IMPLAUSIBLE_BOXES;
use crate::plan::{self, BoxCoordinates, Format};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Fewer boxes are not judged.
const BOXES_MIN: u64 = 3;
/// The share of the boxes of a category from which on they are implausible.
const MOST: f64 = 0.5;
/// The share of boxes with swapped corners from which on their numbers are in another order, and
/// the boxes that this takes: a stray box is drawn from its lower right corner now and then.
const SWAPPED_MOST: f64 = 0.2;
const SWAPPED_BOXES_MIN: u64 = 10;
/// How far a box may extend beyond its photo, as a part of the photo's side. Objects that are cut
/// off by the edge are often annotated in full.
const BEYOND: f64 = 0.05;
/// A fraction above this is no box that extends beyond its photo.
const FRACTION_MAX: f64 = 2.0;
/// Boxes of a set in percent reach from here to 100, and there are at least so many of them.
const PERCENT_FROM: f64 = 95.0;
const PERCENT_BOXES_MIN: u64 = 20;
/// The smallest side of a photo for which percent can be told from pixels.
const PERCENT_SIDE_MIN: f64 = 150.0;
/// Photos that are looked at for their size, for each category and in all.
const PHOTOS_PER_CATEGORY: usize = 8;
const PHOTOS_MAX: usize = 128;
/// Boxes of a photo that are held against its size.
const BOXES_PER_PHOTO: usize = 64;

/// Counts of the boxes of a set, and a few boxes whose photos are to be looked at.
#[derive(Debug, Clone, Default)]
pub struct BoxSurvey {
    categories: BTreeMap<String, Counts>,
    /// By image; the annotations do not state the size of these photos.
    photos: BTreeMap<ImageId, Photo>,
    photos_of: BTreeMap<String, usize>,
}

/// A photo whose size is to be looked at.
#[derive(Debug, Clone)]
struct Photo {
    path: PathBuf,
    source: Option<Source>,
    boxes: Vec<(String, Form, Rect)>,
}

/// What the numbers of a box are by the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Pixels,
    Fractions,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    boxes: u64,
    without_area: u64,
    swapped: u64,
    /// Pixel boxes with all edges between 0 and 1, or less by the first pixel's number.
    within_one: u64,
    /// Boxes of fractions with an edge far above 1.
    above_one: u64,
    /// Boxes whose photo's size is known.
    sized: u64,
    /// Of these, those that extend beyond the photo.
    outside: u64,
    /// Of these, those that would be inside if width and height were the second corner.
    inside_as_corners: u64,
    /// Largest edges of pixel boxes, and smallest side of their photos.
    x_max: f64,
    y_max: f64,
    side_min: Option<f64>,
}

impl BoxSurvey {
    /// Counts the annotations of an image, and the problems that they had.
    pub fn add<'a>(
        &mut self,
        entry: &Entry,
        annotations: impl Iterator<Item = &'a Annotation>,
        problems: impl Iterator<Item = &'a Problem>,
    ) {
        for problem in problems {
            self.add_problem(problem);
        }
        for annotation in annotations {
            if let Outline::Pixels(_) = annotation.outline {
                continue;
            }
            let form = match annotation.normalised {
                true => Form::Fractions,
                false => Form::Pixels,
            };
            // In the unit of its numbers.
            let rect = annotation.bounds(Size::new(1, 1));
            let size = match form {
                Form::Pixels => entry.declared_size,
                Form::Fractions => Some(Size::new(1, 1)),
            };
            let counts = self.counts(&annotation.category);
            counts.add(form, rect);
            match size {
                Some(size) => counts.add_size(form, rect, size),
                None => self.draw(entry, &annotation.category, form, rect),
            }
        }
    }

    /// Counts a problem of an outline.
    pub fn add_problem(&mut self, problem: &Problem) {
        let Some(category) = &problem.category else {
            return;
        };
        match problem.code {
            "swapped_corners" => self.counts(category).swapped += 1,
            "box_without_area" => self.counts(category).without_area += 1,
            _ => {}
        }
    }

    fn counts(&mut self, category: &str) -> &mut Counts {
        self.categories.entry(category.to_owned()).or_default()
    }

    /// Keeps a box whose photo is to be looked at, if its category has too few of them.
    fn draw(&mut self, entry: &Entry, category: &str, form: Form, rect: Rect) {
        let id = entry.id();
        let is_drawn = self.photos.contains_key(&id);
        let of_category = self.photos_of.entry(category.to_owned()).or_default();
        if !is_drawn && (*of_category >= PHOTOS_PER_CATEGORY || self.photos.len() >= PHOTOS_MAX) {
            return;
        }

        *of_category += 1;
        let photo = self.photos.entry(id).or_insert_with(|| Photo {
            path: entry.path.clone(),
            source: entry.source.clone(),
            boxes: Vec::new(),
        });
        if photo.boxes.len() < BOXES_PER_PHOTO {
            photo.boxes.push((category.to_owned(), form, rect));
        }
    }

    /// The photos to look at, by their path or place.
    pub fn photos(&self) -> impl Iterator<Item = (ImageId, &Path, Option<&Source>)> {
        let photos = self.photos.iter();
        photos.map(|(id, photo)| (*id, photo.path.as_path(), photo.source.as_ref()))
    }

    /// The survey with the sizes of photos that were looked at.
    pub fn with_sizes(&self, sizes: &BTreeMap<ImageId, Size>) -> Self {
        let mut sized = self.clone();
        for (id, photo) in &self.photos {
            let Some(&size) = sizes.get(id) else {
                continue;
            };
            for (category, form, rect) in &photo.boxes {
                sized.counts(category).add_size(*form, *rect, size);
            }
        }
        sized
    }

    /// The problems of the set: of all boxes together, else of single categories.
    pub fn problems(&self, plan: &plan::Dataset) -> Vec<Problem> {
        let mut all = Counts::default();
        for counts in self.categories.values() {
            all.merge(counts);
        }
        if let Some(fault) = all.fault().or_else(|| all.percent()) {
            return vec![problem("the set", &all, fault, plan)];
        }

        let mut problems = Vec::new();
        for (category, counts) in &self.categories {
            if let Some(fault) = counts.fault() {
                problems.push(problem(&format!("{category:?}"), counts, fault, plan));
            }
        }
        problems
    }
}

/// What most boxes have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Pixels are expected, and the numbers are fractions.
    Fractions,
    /// Fractions are expected, and the numbers are pixels.
    Pixels,
    Percent,
    Swapped,
    /// Width and height are expected, and the numbers are the second corner.
    Corners,
    Outside,
    WithoutArea,
}

impl Counts {
    fn add(&mut self, form: Form, rect: Rect) {
        self.boxes += 1;
        let edges = [rect.x0, rect.y0, rect.x1, rect.y1];
        match form {
            Form::Pixels => {
                let is_within_one = edges.iter().all(|edge| (-1.0..=1.0).contains(edge));
                self.within_one += u64::from(is_within_one);
                self.x_max = self.x_max.max(rect.x1);
                self.y_max = self.y_max.max(rect.y1);
            }
            Form::Fractions => {
                let is_above_one = edges.iter().any(|edge| edge.abs() > FRACTION_MAX);
                self.above_one += u64::from(is_above_one);
            }
        }
    }

    fn add_size(&mut self, form: Form, rect: Rect, size: Size) {
        let (width, height) = (f64::from(size.width), f64::from(size.height));
        // Annotations of pixels may be off by one.
        let tolerance = f64::from(u8::from(form == Form::Pixels));
        let (dx, dy) = (BEYOND * width + tolerance, BEYOND * height + tolerance);
        let is_outside =
            rect.x0 < -dx || rect.y0 < -dy || rect.x1 > width + dx || rect.y1 > height + dy;

        self.sized += 1;
        self.outside += u64::from(is_outside);
        if is_outside {
            let (right, bottom) = (rect.x1 - rect.x0, rect.y1 - rect.y0);
            let is_inside =
                right > rect.x0 && bottom > rect.y0 && right <= width + dx && bottom <= height + dy;
            self.inside_as_corners += u64::from(is_inside);
        }
        if form == Form::Pixels {
            let side = width.min(height);
            self.side_min = Some(self.side_min.map_or(side, |smallest| smallest.min(side)));
        }
    }

    fn merge(&mut self, other: &Self) {
        self.boxes += other.boxes;
        self.without_area += other.without_area;
        self.swapped += other.swapped;
        self.within_one += other.within_one;
        self.above_one += other.above_one;
        self.sized += other.sized;
        self.outside += other.outside;
        self.inside_as_corners += other.inside_as_corners;
        self.x_max = self.x_max.max(other.x_max);
        self.y_max = self.y_max.max(other.y_max);
        self.side_min = match (self.side_min, other.side_min) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    fn fault(&self) -> Option<Fault> {
        let all = self.boxes + self.without_area;
        if all < BOXES_MIN {
            return None;
        }
        if share(self.within_one, all) > MOST {
            return Some(Fault::Fractions);
        }
        if share(self.above_one, all) > MOST {
            return Some(Fault::Pixels);
        }

        let swapped = share(self.swapped, all);
        if swapped > MOST || (swapped > SWAPPED_MOST && all >= SWAPPED_BOXES_MIN) {
            return Some(Fault::Swapped);
        }
        if self.sized >= BOXES_MIN && share(self.outside, self.sized) > MOST {
            let as_corners = share(self.inside_as_corners, self.outside);
            return Some(match as_corners > MOST {
                true => Fault::Corners,
                false => Fault::Outside,
            });
        }
        (share(self.without_area, all) > MOST).then_some(Fault::WithoutArea)
    }

    /// Percent of the photo's sides: a whole set ends at 100, in photos that are larger.
    fn percent(&self) -> Option<Fault> {
        let ends_at_100 = |largest: f64| (PERCENT_FROM..=100.0).contains(&largest);
        let is_percent = self.boxes >= PERCENT_BOXES_MIN
            && ends_at_100(self.x_max)
            && ends_at_100(self.y_max)
            && self.side_min.is_some_and(|side| side >= PERCENT_SIDE_MIN);
        is_percent.then_some(Fault::Percent)
    }
}

fn share(part: u64, all: u64) -> f64 {
    part as f64 / all.max(1) as f64
}

fn problem(of: &str, counts: &Counts, fault: Fault, plan: &plan::Dataset) -> Problem {
    let place = plan.boxes.as_ref().or(plan.annotations.as_ref());
    let place = place.or(plan.manifest.as_ref()).unwrap_or(&plan.root);
    let all = counts.boxes + counts.without_area;
    let what = match fault {
        Fault::Fractions => format!(
            "{} of {all} boxes of {of} lie within one pixel: the numbers look like fractions of \
             the photo, where pixels are expected; {}",
            counts.within_one,
            unit_remedy(plan, BoxCoordinates::Normalised)
        ),
        Fault::Pixels => format!(
            "{} of {all} boxes of {of} have edges above 1: the numbers look like pixels, where \
             fractions of the photo are expected; {}",
            counts.above_one,
            unit_remedy(plan, BoxCoordinates::Pixels)
        ),
        Fault::Percent => format!(
            "all {all} boxes of {of} end at 100 in larger photos: the numbers look like percent, \
             where pixels are expected; convert them"
        ),
        Fault::Swapped => format!(
            "{} of {all} boxes of {of} have their second corner left of or above the first: the \
             numbers look like {}",
            counts.swapped,
            order(plan)
        ),
        Fault::Corners => format!(
            "{} of {} boxes of {of} extend beyond their photos: the numbers look like xmin, ymin, \
             xmax, ymax, where {} are expected; convert them",
            counts.outside,
            counts.sized,
            expected(plan)
        ),
        Fault::Outside => format!(
            "{} of {} boxes of {of} extend beyond their photos: they look like boxes of other \
             photos, of photos of another size, or with their numbers in another order than {}",
            counts.outside,
            counts.sized,
            expected(plan)
        ),
        Fault::WithoutArea => format!(
            "{} of {all} boxes of {of} have no area: the numbers look rounded, or are in another \
             order than {}",
            counts.without_area,
            expected(plan)
        ),
    };
    let message = format!(
        "{what}. If the boxes are right, set dataset.problems = {{ {IMPLAUSIBLE_BOXES} = \
         \"ignore\" }}"
    );
    Problem::in_file(IMPLAUSIBLE_BOXES, place, message)
}

/// How to put the unit right.
fn unit_remedy(plan: &plan::Dataset, unit: BoxCoordinates) -> String {
    let name = match unit {
        BoxCoordinates::Pixels => "pixels",
        BoxCoordinates::Normalised => "normalised",
    };
    match &plan.boxes {
        Some(_) => format!("set dataset.box_coordinates = {name:?}"),
        None => format!("convert them, as format {:?} has them", plan.format.name()),
    }
}

fn order(plan: &plan::Dataset) -> String {
    format!(
        "x, y, width, height, where {} are expected; convert them",
        expected(plan)
    )
}

/// The numbers of a box in the format.
fn expected(plan: &plan::Dataset) -> &'static str {
    if plan.boxes.is_some() {
        return "xmin, ymin, xmax, ymax";
    }
    match plan.format {
        Format::Coco | Format::ParquetImages => "x, y, width, height",
        Format::Yolo => "the centre, width and height",
        _ => "xmin, ymin, xmax, ymax",
    }
}
