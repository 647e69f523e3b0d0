//! Found patches and fixed places, kept for later runs.

use super::cells::escape;
use super::documents::Document;
use crate::error::{Error, Result};
use crate::tables::DiscoveredRow;
use serde::{Deserialize, Serialize};

/// Sizes of a pattern that a later run reads.
const SIZES_MAX: usize = 16;
/// Pixels of a view along its longer side, and more: it has about 256.
const SIDE_MAX: usize = 512;

/// `patterns.json`: the patches and places that a run found, by which a later one knows them again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Patterns {
    pub schema_version: u32,
    pub patterns: Vec<Pattern>,
}

impl Document for Patterns {
    const FILE: &'static str = "patterns.json";
}

/// A repeated picture by its gradients in the model's view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// The region's name.
    pub name: String,
    /// Correlation from which an image shows it.
    pub threshold: f32,
    /// The one place at which it is searched for, in pixels of the view: left, top, right, bottom;
    /// `None` for a patch, which may be anywhere.
    #[serde(default)]
    pub place: Option<[usize; 4]>,
    /// Pixels of a row.
    pub width: usize,
    /// Row by row, across and down; zeros where the images do not agree.
    pub gradient: Vec<[f32; 2]>,
    /// Sizes in which it is searched for, as multiples of this one.
    #[serde(default = "one_size")]
    pub sizes: Vec<f32>,
    /// Images that were searched and that show it, by class; classes that do not are pooled.
    #[serde(default)]
    pub counts: Vec<PatternCount>,
    /// How a pipeline declares it; `None` where no picture is written.
    #[serde(default)]
    pub declaration: Option<PatternDeclaration>,
}

/// Images of a class, or of all classes without a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PatternCount {
    /// `None` for all classes in which no image shows the pattern.
    pub class: Option<String>,
    pub classes: u32,
    pub images: u32,
    pub present: u32,
}

/// A region with a template that finds the pattern in photos.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PatternDeclaration {
    /// Left, top, right and bottom of all places, in fractions of the photo.
    pub rect: [f64; 4],
    /// Sizes in the photos, as multiples of the picture's.
    pub scales: Vec<f64>,
    pub threshold: f64,
    /// Images that show the pattern in which the template finds it, of those that were tried.
    pub found: [u32; 2],
    /// The same of images that do not show it.
    pub elsewhere: [u32; 2],
}

fn one_size() -> Vec<f32> {
    vec![1.0]
}

impl Pattern {
    /// The file of its template in the run folder.
    pub fn picture_file(&self) -> String {
        format!("found/{}.png", self.name)
    }

    /// The list of its images in the run folder.
    pub fn list_file(&self) -> String {
        format!("found/{}.csv", self.name)
    }

    /// Whether the picture, its place and its sizes are such as this program writes: large ones
    /// would need much memory.
    pub fn is_usable(&self) -> bool {
        let is_picture = (1..=SIDE_MAX).contains(&self.width)
            && !self.gradient.is_empty()
            && self.gradient.len().is_multiple_of(self.width)
            && self.gradient.len() / self.width <= SIDE_MAX
            && self.gradient.iter().flatten().all(|part| part.is_finite());
        let is_place = self
            .place
            .is_none_or(|[x0, y0, x1, y1]| x0 < x1 && y0 < y1 && x1.max(y1) <= SIDE_MAX);
        let is_size = |size: &f32| (0.1..=10.0).contains(size);
        let are_sizes = self.sizes.len() <= SIZES_MAX && self.sizes.iter().all(is_size);
        is_picture && is_place && are_sizes
    }

    /// Whether the name is one that this program gives, and no path.
    pub fn has_plain_name(&self) -> bool {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !self.name.is_empty() && self.name.len() < 64 && self.name.chars().all(is_plain)
    }
}

/// The images of one pattern as CSV.
///
/// # Errors
/// When the rows cannot be written.
pub fn image_list(rows: &[&DiscoveredRow]) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fail = || Error::cause("write the list of images as CSV");
    let header = [
        "path", "label", "mining", "left", "top", "right", "bottom", "score",
    ];
    writer.write_record(header).map_err(fail())?;
    for row in rows {
        let numbers = [row.left, row.top, row.right, row.bottom, row.score];
        let numbers = numbers.map(|number| format!("{number:.4}"));
        let texts = [
            escape(&row.path),
            escape(&row.label),
            row.mining.to_string(),
        ];
        let cells = texts.iter().chain(&numbers);
        writer.write_record(cells).map_err(fail())?;
    }
    let bytes = writer.into_inner();
    bytes.map_err(Error::cause("write the list of images as CSV"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_no_run_writes_are_not_used() {
        let usable = Pattern {
            name: "patch-0".to_owned(),
            threshold: 0.4,
            place: None,
            width: 2,
            gradient: vec![[1.0, 0.0]; 6],
            sizes: vec![0.7, 1.0, 1.4],
            counts: Vec::new(),
            declaration: None,
        };
        assert!(usable.is_usable());
        let placed = Pattern {
            place: Some([4, 0, 6, 3]),
            ..usable.clone()
        };
        assert!(placed.is_usable());

        let sizes = |sizes: &[f32]| Pattern {
            sizes: sizes.to_vec(),
            ..usable.clone()
        };
        let picture = |width: usize, gradient: &[[f32; 2]]| Pattern {
            width,
            gradient: gradient.to_vec(),
            ..usable.clone()
        };
        let place = |place: [usize; 4]| Pattern {
            place: Some(place),
            ..usable.clone()
        };
        for (what, pattern) in [
            ("a large size", sizes(&[1e9])),
            ("a negative size", sizes(&[-1.0])),
            ("a size that is no number", sizes(&[f32::NAN])),
            ("many sizes", sizes(&[1.0; 17])),
            ("no width", picture(0, &[[1.0, 0.0]])),
            ("no pixels", picture(2, &[])),
            ("half a row", picture(4, &[[1.0, 0.0]; 6])),
            ("wide", picture(1_000_000, &[[1.0, 0.0]; 1_000_000])),
            ("high", picture(1, &[[1.0, 0.0]; 513])),
            ("no number", picture(1, &[[f32::INFINITY, 0.0]])),
            ("a place without width", place([4, 0, 4, 3])),
            ("a place upside down", place([4, 3, 6, 0])),
            ("a place outside", place([4, 0, usize::MAX, 3])),
        ] {
            assert!(!pattern.is_usable(), "{what}");
        }
    }
}
