//! Names of the pipeline that the set does not have: a typing error, or a set that has changed.

use super::stats::DatasetStats;
use crate::plan::{Place, Plan, Presence, Region, RegionKind};

/// Names that a message suggests.
const SUGGESTIONS_MAX: usize = 3;

/// The names of `known` that are similar to `name`, the nearest first, as the end of a message.
pub fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n String>) -> String {
    let mut similar = Vec::new();
    let mut count = 0;
    for known in known {
        count += 1;
        if is_similar(name, known) {
            similar.push((distance(name, known), known));
        }
    }
    similar.sort();
    if similar.is_empty() {
        return format!("none of the {count} names is similar");
    }
    let nearest = similar.iter().take(SUGGESTIONS_MAX);
    let quoted: Vec<String> = nearest.map(|(_, name)| format!("{name:?}")).collect();
    format!("did you mean {}?", quoted.join(" or "))
}

/// Whether `name` is probably a misspelling of `known`: at most a third of its letters differ.
fn is_similar(name: &str, known: &str) -> bool {
    distance(name, known) * 3 <= known.chars().count()
}

/// Letters that differ, in lower case.
fn distance(name: &str, known: &str) -> usize {
    strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase())
}

/// Warnings about labels and annotation categories of the pipeline that no image has, and about
/// regions without presence information.
pub fn unmatched_names(plan: &Plan, stats: &DatasetStats) -> Vec<String> {
    let mut warnings = misspelled_labels(plan, stats);
    for region in &plan.regions {
        warnings.extend(missing_category(region, stats));
        warnings.extend(object_as_confounder(region, stats));
    }
    warnings.extend(no_presence(plan, stats));
    warnings
}

/// Keys of `dataset.labels` that no image has and that resemble a label without a key.
///
/// One table of labels may be used for several sets, so other keys are not reported.
fn misspelled_labels(plan: &Plan, stats: &DatasetStats) -> Vec<String> {
    let table = &plan.dataset.labels;
    let mut warnings = Vec::new();
    for name in table.keys() {
        if stats.labels.contains_key(name) {
            continue;
        }
        let mut unmapped = stats
            .labels
            .keys()
            .filter(|label| !table.contains_key(*label));
        if let Some(label) = unmapped.find(|label| is_similar(name, label)) {
            warnings.push(format!(
                "dataset.labels names {name:?}, but no image has this label; \
                 did you mean {label:?}?"
            ));
        }
    }
    warnings
}

/// A warning about images that are not even counted.
pub fn uncounted_images(stats: &DatasetStats) -> Option<String> {
    let (count, example) = stats.uncounted()?;
    let places = match count {
        1 => "a folder or shard".to_owned(),
        _ => format!("{count} folders or shards"),
    };
    Some(format!(
        "{places} cannot be read, and the images in it are missing ({example})"
    ))
}

fn missing_category(region: &Region, stats: &DatasetStats) -> Option<String> {
    let (Presence::Annotated, Place::Annotation { category }) = (&region.presence, &region.place)
    else {
        return None;
    };
    if stats.categories.contains_key(category) {
        return None;
    }

    let hint = if stats.categories.is_empty() {
        "the set has no annotations".to_owned()
    } else {
        nearest(category, stats.categories.keys())
    };
    Some(format!(
        "region {:?}: no image has an annotation {category:?}; {hint}",
        region.name
    ))
}

/// A warning where a confounder is the annotations of a label: these are its objects.
fn object_as_confounder(region: &Region, stats: &DatasetStats) -> Option<String> {
    let Place::Annotation { category } = &region.place else {
        return None;
    };
    if region.kind != RegionKind::Confounder || !stats.labels.contains_key(category) {
        return None;
    }
    Some(format!(
        "region {:?}: the annotations {category:?} are also a label; for the class of this label \
         the region is the object itself, so a finding about it says no more than that the model \
         sees the object (kind = \"object\" audits no object as a confounder)",
        region.name
    ))
}

/// A warning where no region can lead to a finding.
fn no_presence(plan: &Plan, stats: &DatasetStats) -> Option<String> {
    let has_presence = plan.regions.iter().any(|region| {
        matches!(
            region.place,
            Place::Annotation { .. } | Place::Overlay { .. }
        )
    });
    // Concepts are to look at, and lead to no finding.
    let is_searched = plan
        .discovery
        .is_some_and(|channels| channels.patches || channels.fixed || channels.properties);
    if has_presence || is_searched || !stats.categories.is_empty() {
        return None;
    }
    Some(
        "no region has presence information, so this run reports heat only and can find nothing; \
         add `template`, `annotation`, `presence_column` or `always` to a [[region]]"
            .to_owned(),
    )
}
