//! The concepts and heat clusters of a class as they are shown: to look at, without a verdict.

use super::image_budget::ImageBudget;
use super::strips::{Strip, strip};
use super::text::{percent, thousands};
use crate::finding::{ConceptOrder, FigureRole};
use crate::runs::concepts::{ShownConcepts, cluster_name, concept_name};
use crate::runs::documents::Figure;
use crate::tables::{ConceptRow, HeatClusterRow};
use serde::Serialize;
use std::collections::BTreeMap;

/// What is shown of one class.
#[derive(Serialize)]
pub struct ConceptSection<'a> {
    /// What the concepts are of, in sentences.
    notes: Vec<String>,
    groups: Vec<ConceptGroup<'a>>,
    clusters_note: Option<String>,
    clusters: Vec<ConceptGroup<'a>>,
}

/// A concept or a cluster.
#[derive(Serialize)]
struct ConceptGroup<'a> {
    facts: String,
    strip: Strip<'a>,
}

/// Whether a figure is of a concept or a cluster.
pub fn is_of_concept(figure: &Figure) -> bool {
    matches!(figure.role, FigureRole::Concept | FigureRole::HeatCluster)
}

/// The section of a class; `None` where nothing of it is shown. `figures` are those of the class.
pub fn concept_section<'a>(
    label: &str,
    shown: &ShownConcepts,
    figures: &[&'a Figure],
    pictures: &dyn Fn(&str) -> Option<Vec<u8>>,
    budget: &mut ImageBudget,
) -> Option<ConceptSection<'a>> {
    let concepts = shown.concepts.iter().filter(|row| row.label == label);
    let concepts: Vec<&ConceptRow> = concepts.collect();
    let mut group = |name: &str, title: String, facts: String| {
        let of_group = figures
            .iter()
            .filter(|f| is_of_concept(f) && f.region == name);
        let of_group: Vec<&Figure> = of_group.copied().collect();
        (!of_group.is_empty()).then(|| ConceptGroup {
            facts,
            strip: strip(title, &of_group, pictures, budget),
        })
    };

    let mut groups = Vec::new();
    for (place, row) in concepts.iter().enumerate() {
        let title = format!("Concept {}", row.concept);
        groups.extend(group(&concept_name(place), title, concept_facts(row)));
    }
    let mut members: BTreeMap<u32, Vec<&HeatClusterRow>> = BTreeMap::new();
    for row in shown.clusters.iter().filter(|row| row.label == label) {
        members.entry(row.cluster).or_default().push(row);
    }
    let all: usize = members.values().map(Vec::len).sum();
    let mut clusters = Vec::new();
    for (number, rows) in &members {
        let title = format!("Cluster {number}");
        let name = cluster_name(*number as usize - 1);
        clusters.extend(group(&name, title, cluster_facts(rows, all)));
    }
    if groups.is_empty() && clusters.is_empty() {
        return None;
    }
    Some(ConceptSection {
        notes: concepts.first().map(|row| notes(row)).unwrap_or_default(),
        clusters_note: (!clusters.is_empty()).then(|| clusters_note(members.len(), all)),
        groups,
        clusters,
    })
}

fn notes(row: &ConceptRow) -> Vec<String> {
    let order = match row.ordered_by.parse() {
        Ok(ConceptOrder::OutsideObjects) => {
            "The first three by the part of their activation that lies outside the objects."
        }
        Ok(ConceptOrder::RightLessWrong) => {
            "The first three by what they add in held-out images that are right, less in wrong \
             ones."
        }
        Ok(ConceptOrder::Unordered) | Err(_) => {
            "Unordered: there are too few objects and held-out errors to tell which may be \
             artefacts. All are shown."
        }
    };
    vec![
        format!(
            "What the features of {} images are made of. Parts of the object stand beside \
             backgrounds: what is unexpected is to be judged by eye. Framed: cells with at least \
             half of the image's largest activation.",
            thousands(row.images)
        ),
        order.to_owned(),
        format!(
            "The concepts make up {} of the squared features. The residual is {} of the logit of \
             an image (median), so no logit is the sum of what is shown.",
            percent(row.explained),
            percent(row.residual_share)
        ),
    ]
}

fn concept_facts(row: &ConceptRow) -> String {
    let mut facts = vec![format!(
        "Adds {:+.2} logits on average, {} of what the concepts add for the class",
        row.contribution,
        percent(row.share)
    )];
    if let Some(outside) = row.outside {
        facts.push(format!("{} outside the objects", percent(outside)));
    }
    if let Some(difference) = row.right_less_wrong {
        facts.push(format!(
            "right less wrong images {:+.0} % of the class's sum",
            100.0 * difference
        ));
    }
    if let Some(high) = row.high_elsewhere {
        let times = row.presence_elsewhere.unwrap_or(0.0) / row.presence.max(f64::MIN_POSITIVE);
        facts.push(format!(
            "in {} images of other classes: {times:.2} times as much on average, and {} have as \
             much as the strongest tenth of the class",
            thousands(row.others),
            percent(high)
        ));
    }
    facts.join("; ")
}

fn clusters_note(clusters: usize, images: usize) -> String {
    format!(
        "SpRAy (Lapuschkin et al. 2019): {} images in {clusters} clusters by where their heat for \
         the class lies. The first picture is the mean of the maps; then the images nearest to it.",
        thousands(images as u64)
    )
}

fn cluster_facts(rows: &[&HeatClusterRow], all: usize) -> String {
    let wrong = rows.iter().filter(|row| !row.correct).count();
    let part = |count: usize, of: usize| percent(count as f64 / of.max(1) as f64);
    format!(
        "{} images ({}), of which {} are wrong ({})",
        thousands(rows.len() as u64),
        part(rows.len(), all),
        thousands(wrong as u64),
        part(wrong, rows.len())
    )
}
