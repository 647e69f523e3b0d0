//! What the pipeline names and the set does not have: most often a slip of the pen, sometimes a set that has changed.

use super::Listing;
use crate::plan::{Place, Plan, Presence};

/// The names of `known` that are most like `name`, quoted, the nearest first.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n String>) -> String {
    let mut near: Vec<(usize, &String)> = known
        .map(|k| (strsim::damerau_levenshtein(k, name), k))
        .collect();
    near.sort();
    near.iter()
        .take(3)
        .map(|(_, k)| format!("{k:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Whether one name was most likely meant for the other.
fn alike(a: &str, b: &str) -> bool {
    strsim::damerau_levenshtein(a, b) * 3 <= b.chars().count()
}

/// A warning for each label and annotation that no image has, and one where no region can lead to a finding. A table of labels
/// may serve several sets: only what is nearly a label that it lacks is a slip.
pub fn lacking(plan: &Plan, listing: &Listing) -> Vec<String> {
    let table = &plan.dataset.labels;
    let unlabeled = table
        .keys()
        .filter(|name| !listing.labels.contains_key(*name))
        .filter_map(|name| {
            let meant = listing
                .labels
                .keys()
                .find(|label| !table.contains_key(*label) && alike(name, label))?;
            Some(format!(
                "dataset.labels names {name:?}, which no image has; did you mean {meant:?}?"
            ))
        });
    let wanted = plan
        .regions
        .iter()
        .filter_map(|r| match (&r.presence, &r.place) {
            (Presence::Annotated, Place::Annotation { category }) => Some((r, category)),
            _ => None,
        });
    let absent = wanted
        .filter(|(_, category)| !listing.categories.contains_key(*category))
        .map(|(r, category)| {
            let near = nearest(category, listing.categories.keys());
            let near = if near.is_empty() {
                "there are none at all".to_owned()
            } else {
                format!("nearest: {near}")
            };
            format!(
                "region {:?}: no image has an annotation {category:?}; {near}",
                r.name
            )
        });
    let telling = |place: &Place| matches!(place, Place::Annotation { .. } | Place::Overlay { .. });
    let mute = !plan.regions.iter().any(|r| telling(&r.place)) && listing.categories.is_empty();
    let mute = mute.then(|| {
        "heat is all that this run can tell, and heat convicts nobody: nothing says on which images a region is; \
         give a [[region]] a template, annotation, presence_column or always"
            .to_owned()
    });
    unlabeled.chain(absent).chain(mute).collect()
}
