//! Names of found pictures: by content, so that the same picture found again is the same finding.

use super::search::Search;
use crate::evidence::discovery::patches::{Alarm, Repeated, Template};
use crate::runs::documents::Document;
use crate::runs::history;
use crate::runs::patterns::{Pattern, Patterns};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Correlation from which two templates are one picture.
const SAME_MIN: f32 = 0.7;

/// A picture that a class repeats, with what was counted.
pub struct Candidate {
    pub class: u32,
    pub repeated: Repeated,
    pub threshold: f32,
    pub alarm: Alarm,
}

/// A picture with its name, and the classes that repeat it.
pub struct Named {
    pub name: String,
    pub template: Template,
    /// Correlation from which an image shows it.
    pub threshold: f32,
    /// With the adjusted p-value.
    pub classes: BTreeMap<u32, f64>,
}

/// Names candidates: one that several classes repeat has one name, and one that the last run found
/// keeps its name.
pub fn named(search: &Search<'_, '_>, candidates: &[Candidate], adjusted: &[f64]) -> Vec<Named> {
    let known = last_patterns(search);
    let mut found: Vec<Named> = Vec::new();
    for (candidate, q) in candidates.iter().zip(adjusted) {
        let template = &candidate.repeated.template;
        let same = found
            .iter_mut()
            .find(|named| is_same(&named.template, template));
        if let Some(named) = same {
            named.threshold = named.threshold.max(candidate.threshold);
            let known = named.classes.entry(candidate.class).or_insert(*q);
            *known = known.min(*q);
            continue;
        }

        let taken: BTreeSet<String> = found.iter().map(|named| named.name.clone()).collect();
        let earlier = known.iter().find(|pattern| {
            let earlier = Template {
                width: pattern.width,
                values: pattern.gradient.clone(),
            };
            !taken.contains(&pattern.name) && is_same(&earlier, template)
        });
        found.push(Named {
            name: match earlier {
                Some(pattern) => pattern.name.clone(),
                None => new_name(template, &taken),
            },
            template: template.clone(),
            threshold: candidate.threshold,
            classes: BTreeMap::from([(candidate.class, *q)]),
        });
    }
    found
}

fn is_same(first: &Template, second: &Template) -> bool {
    first.similarity(second).max(second.similarity(first)) >= SAME_MIN
}

fn new_name(template: &Template, taken: &BTreeSet<String>) -> String {
    let name = format!("patch-{}", template.digest());
    let mut numbered = name.clone();
    let mut number = 2;
    while taken.contains(&numbered) {
        numbered = format!("{name}-{number}");
        number += 1;
    }
    numbered
}

/// What the newest earlier run found; nothing where it cannot be read, since names are no evidence.
fn last_patterns(search: &Search<'_, '_>) -> Vec<Pattern> {
    let run = search.folder.path();
    let home = run.parent().unwrap_or(Path::new("."));
    for earlier in history::finished(home).iter().rev() {
        if earlier.as_path() == run {
            continue;
        }
        if let Ok(patterns) = Patterns::read(earlier) {
            return patterns.patterns;
        }
    }
    Vec::new()
}
