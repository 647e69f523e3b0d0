//! The table of classes, and the pictures of a class as a whole.

use super::anchor::{anchor, encoded};
use super::concepts::{ConceptSection, concept_section, is_of_concept};
use super::image_budget::ImageBudget;
use super::strips::{Strip, strips};
use crate::finding::{Finding, Verdict};
use crate::runs::concepts::ShownConcepts;
use crate::runs::documents::{ClassSummary, Figure};
use serde::Serialize;
use std::collections::BTreeMap;

/// One class in the table.
#[derive(Serialize)]
pub struct ClassLine<'a> {
    #[serde(flatten)]
    class: &'a ClassSummary,
    /// Heights of the bars of its distribution over the images, 0 to 1.
    heights: Vec<f64>,
    /// Place of the verdict in order of seriousness, for sorting.
    rank: usize,
    /// Names the row in links to it.
    anchor: String,
    /// The class that its findings and pictures are of, as in links.
    class_anchor: String,
    /// Reported findings of the class.
    findings: usize,
    /// What the verdict is about, where it is not the region with the heat.
    verdict_of: Option<&'a str>,
}

/// Mean map and images of a class, whatever was found.
#[derive(Serialize)]
pub struct ClassPictures<'a> {
    label: &'a str,
    strips: Vec<Strip<'a>>,
    /// An image to explain, relative to the dataset's root.
    example: Option<&'a str>,
    /// To look at.
    concepts: Option<ConceptSection<'a>>,
}

pub fn class_lines<'a>(classes: &'a [ClassSummary], findings: &'a [Finding]) -> Vec<ClassLine<'a>> {
    let mut regions: BTreeMap<(&str, Verdict), &str> = BTreeMap::new();
    for finding in findings.iter().filter(|f| f.verdict != Verdict::None) {
        let key = (finding.label.as_str(), finding.verdict);
        regions.entry(key).or_insert(&finding.region);
    }
    let mut reported: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings.iter().filter(|f| f.verdict.is_reported()) {
        *reported.entry(&finding.label).or_default() += 1;
    }

    let mut lines = Vec::new();
    for class in classes {
        lines.push(ClassLine {
            class,
            heights: heights(&class.share_counts),
            rank: class.verdict as usize,
            anchor: format!("/class{}", anchor("", &class.label)),
            class_anchor: encoded(class.class_name()),
            findings: reported.get(class.class_name()).copied().unwrap_or(0),
            verdict_of: regions
                .get(&(class.class_name(), class.verdict))
                .copied()
                .filter(|region| *region != class.region),
        });
    }
    lines
}

/// Counts as parts of the largest; empty where all are 0.
fn heights(counts: &[u32]) -> Vec<f64> {
    let largest = counts.iter().copied().max().unwrap_or(0);
    if largest == 0 {
        return Vec::new();
    }
    let height = |count: &u32| {
        let height = f64::from(*count) / f64::from(largest);
        (height * 1000.0).round() / 1000.0
    };
    counts.iter().map(height).collect()
}

/// The pictures of the classes that have some, in the order of the figures: the largest first.
/// Those of concepts come last in the budget.
pub fn class_pictures<'a>(
    figures: &'a [Figure],
    concepts: &ShownConcepts,
    pictures: &dyn Fn(&str) -> Option<Vec<u8>>,
    budget: &mut ImageBudget,
) -> Vec<ClassPictures<'a>> {
    let mut order: Vec<&str> = Vec::new();
    let mut by_label: BTreeMap<&str, Vec<&Figure>> = BTreeMap::new();
    let is_of_class = |figure: &&Figure| figure.region.is_empty() || is_of_concept(figure);
    for figure in figures.iter().filter(is_of_class) {
        let of_label = by_label.entry(&figure.label).or_default();
        if of_label.is_empty() {
            order.push(&figure.label);
        }
        of_label.push(figure);
    }

    let mut shown = Vec::new();
    for label in &order {
        let of_label = by_label.get(label).into_iter().flatten().copied();
        let of_label: Vec<&Figure> = of_label.filter(|figure| !is_of_concept(figure)).collect();
        let mut paths = of_label.iter().map(|figure| figure.path.as_str());
        shown.push(ClassPictures {
            label,
            example: paths.find(|path| !path.is_empty()),
            strips: strips(&of_label, pictures, budget),
            concepts: None,
        });
    }
    for class in &mut shown {
        let of_label = by_label.remove(class.label).unwrap_or_default();
        class.concepts = concept_section(class.label, concepts, &of_label, pictures, budget);
    }
    shown
}
