//! Names of found pictures: by content, so that the same picture found again is the same finding.

use super::gallery::{Parts, Sought};
use super::search::Search;
use crate::evidence::discovery::PixelBox;
use crate::evidence::discovery::patches::{Alarm, Template};
use crate::finding::FindingOrigin;
use crate::runs::documents::Document;
use crate::runs::history;
use crate::runs::patterns::{Pattern, Patterns};
use std::collections::{BTreeMap, BTreeSet};

/// A picture that a class repeats, with what was counted.
pub struct Candidate {
    pub class: u32,
    /// `Patch` or `Fixed`.
    pub origin: FindingOrigin,
    pub sought: Sought,
    pub threshold: f32,
    pub alarm: Alarm,
}

/// A picture with its name, and the classes that repeat it.
pub struct Named {
    pub name: String,
    pub origin: FindingOrigin,
    pub sought: Sought,
    /// Correlation from which an image shows it.
    pub threshold: f32,
    /// With the adjusted p-value.
    pub classes: BTreeMap<u32, f64>,
    /// What was counted in the testing half, by class.
    pub alarms: BTreeMap<u32, Alarm>,
    /// Further places of the same thing, where images show it.
    pub parts: Parts,
}

/// Names candidates: one that several classes repeat has one name, and one that the last run found
/// keeps its name.
pub fn named(search: &Search<'_, '_>, candidates: Vec<(f64, Candidate)>) -> Vec<Named> {
    let known = last_patterns(search);
    let mut found: Vec<Named> = Vec::new();
    for (q, candidate) in candidates {
        let same = found
            .iter_mut()
            .find(|named| named.sought.is_same(&candidate.sought));
        if let Some(named) = same {
            named.threshold = named.threshold.max(candidate.threshold);
            let known = named.classes.entry(candidate.class).or_insert(q);
            *known = known.min(q);
            named.alarms.insert(candidate.class, candidate.alarm);
            continue;
        }

        let taken: BTreeSet<String> = found.iter().map(|named| named.name.clone()).collect();
        let earlier = known.iter().find(|pattern| {
            !taken.contains(&pattern.name) && sought(pattern).is_same(&candidate.sought)
        });
        found.push(Named {
            name: match earlier {
                Some(pattern) => pattern.name.clone(),
                None => new_name(&candidate, &taken),
            },
            origin: candidate.origin,
            sought: candidate.sought,
            threshold: candidate.threshold,
            classes: BTreeMap::from([(candidate.class, q)]),
            alarms: BTreeMap::from([(candidate.class, candidate.alarm)]),
            parts: Parts::new(),
        });
    }
    found
}

fn sought(pattern: &Pattern) -> Sought {
    let template = Template {
        width: pattern.width,
        values: pattern.gradient.clone(),
    };
    match pattern.place {
        Some([x0, y0, x1, y1]) => Sought::at(template, PixelBox { x0, y0, x1, y1 }),
        None => Sought::everywhere(template, pattern.sizes.clone()),
    }
}

fn new_name(candidate: &Candidate, taken: &BTreeSet<String>) -> String {
    let kind = match candidate.sought.at {
        Some(_) => "place",
        None => "patch",
    };
    let name = format!("{kind}-{}", candidate.sought.template.digest());
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
    for earlier in history::finished(search.home).iter().rev() {
        if earlier.as_path() == run {
            continue;
        }
        if let Ok(mut patterns) = Patterns::read(earlier) {
            // A name becomes the name of a file.
            patterns.patterns.retain(Pattern::has_plain_name);
            patterns.patterns.retain(Pattern::is_usable);
            return patterns.patterns;
        }
    }
    Vec::new()
}
