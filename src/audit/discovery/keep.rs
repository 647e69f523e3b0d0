//! What a search leaves in the run folder of each found picture: the images that show it, the
//! counts of all classes, and how a pipeline declares it.

use super::declare::declare;
use super::gallery::Hits;
use super::naming::Named;
use super::regions::{FoundRegion, Known};
use super::search::{Discovered, Search};
use crate::dataset::Sample;
use crate::error::Result;
use crate::runs::patterns::{Pattern, PatternCount, image_list};
use crate::tables::DiscoveredRow;
use std::collections::BTreeMap;

/// Correlation below which a found picture is called weak.
const WEAK: f32 = 0.65;

/// Writes the lists and pictures, and adds rows and patterns to what was discovered.
///
/// # Errors
/// When a file cannot be written, or the run is asked to stop.
pub fn keep(
    search: &Search<'_, '_>,
    (found, regions): (&[Named], &[FoundRegion]),
    hits: &Hits,
    known: &Known,
    samples: &BTreeMap<u128, Sample>,
    discovered: &mut Discovered,
) -> Result<()> {
    for (index, named) in found.iter().enumerate() {
        let declared = declare(search, (index, named), &regions[index], hits, samples)?;
        let pattern = Pattern {
            name: named.name.clone(),
            threshold: named.threshold,
            place: named.sought.at.map(|b| [b.x0, b.y0, b.x1, b.y1]),
            width: named.sought.template.width,
            gradient: named.sought.template.values.clone(),
            sizes: named.sought.sizes.clone(),
            counts: counts(search, index, named, hits, known),
            declaration: declared.as_ref().map(|d| d.declaration.clone()),
        };
        if let Some(declared) = &declared {
            search.folder.file(&pattern.picture_file(), &declared.png)?;
        }
        let rows = rows(index, named, hits, known, samples);
        let list = image_list(&rows.iter().collect::<Vec<_>>())?;
        search.folder.file(&pattern.list_file(), &list)?;
        discovered.rows.extend(rows);
        discovered.patterns.push(pattern);
    }
    Ok(())
}

/// The images that were searched and those that show a picture, by class; the classes of which none
/// does are one line.
fn counts(
    search: &Search<'_, '_>,
    index: usize,
    named: &Named,
    hits: &Hits,
    known: &Known,
) -> Vec<PatternCount> {
    let mut by_class: BTreeMap<u32, [u32; 2]> = BTreeMap::new();
    for (image, hits) in hits {
        if let Some((class, _)) = known.get(image) {
            let [images, present] = by_class.entry(*class).or_default();
            *images += 1;
            *present += u32::from(hits[index].score >= named.threshold);
        }
    }

    let names = search.context.labels.pooled_names();
    let mut counts = Vec::new();
    let mut none = PatternCount {
        class: None,
        classes: 0,
        images: 0,
        present: 0,
    };
    for (class, [images, present]) in by_class {
        if present == 0 {
            none.classes += 1;
            none.images += images;
            continue;
        }
        let name = names.get(&(class as usize)).cloned();
        counts.push(PatternCount {
            class: Some(name.unwrap_or_else(|| class.to_string())),
            classes: 1,
            images,
            present,
        });
    }
    counts.sort_by(|a, b| b.present.cmp(&a.present).then(a.class.cmp(&b.class)));
    counts.extend((none.classes > 0).then_some(none));
    counts
}

fn rows(
    index: usize,
    named: &Named,
    hits: &Hits,
    known: &Known,
    samples: &BTreeMap<u128, Sample>,
) -> Vec<DiscoveredRow> {
    let mut rows = Vec::new();
    for (image, hits) in hits {
        let hit = hits[index];
        let (Some(sample), Some((class, sampled)), Some(place)) =
            (samples.get(image), known.get(image), hit.in_photo)
        else {
            continue;
        };
        if hit.score < named.threshold {
            continue;
        }
        rows.push(DiscoveredRow {
            region: named.name.clone(),
            origin: named.origin.name().to_owned(),
            image_id: sample.id.to_string(),
            path: sample.path.clone(),
            label: sample.label.clone(),
            label_index: *class,
            mining: sampled.mining,
            left: place.x0,
            top: place.y0,
            right: place.x1,
            bottom: place.y1,
            score: f64::from(hit.score),
            weak: hit.score < WEAK,
        });
    }
    rows
}
