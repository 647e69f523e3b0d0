//! Found patches and fixed places, kept for later runs.

use super::cells::escape;
use super::documents::Document;
use crate::error::{Error, Result};
use crate::tables::DiscoveredRow;
use serde::{Deserialize, Serialize};

/// Sizes of a pattern that a later run reads.
const SIZES_MAX: usize = 16;

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

    /// Whether the sizes are such as this program writes: a large one would need much memory.
    pub fn has_usable_sizes(&self) -> bool {
        let is_usable = |size: &f32| (0.1..=10.0).contains(size);
        self.sizes.len() <= SIZES_MAX && self.sizes.iter().all(is_usable)
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
    fn sizes_that_no_run_writes_are_not_used() {
        for (sizes, expected) in [
            (vec![1.0], true),
            (vec![0.7, 1.0, 1.4], true),
            (vec![1e9], false),
            (vec![-1.0], false),
            (vec![f32::NAN], false),
            (vec![1.0; 17], false),
        ] {
            let pattern = Pattern {
                name: "patch-0".to_owned(),
                threshold: 0.4,
                place: None,
                width: 1,
                gradient: vec![[1.0, 0.0]],
                sizes: sizes.clone(),
                counts: Vec::new(),
                declaration: None,
            };
            assert_eq!(pattern.has_usable_sizes(), expected, "{sizes:?}");
        }
    }
}
