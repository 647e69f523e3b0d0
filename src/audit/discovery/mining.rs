//! What the mining half of each class shows: pictures that its images repeat, and how much they
//! agree at each place.

use super::gallery::Gallery;
use super::views::CellChoice;
use crate::dataset::ImageId;
use crate::error::Result;
use crate::evidence::discovery::fixed_places::{Agreement, UnitSum};
use crate::evidence::discovery::patches::{self, MinedImage, Repeated};
use crate::evidence::discovery::{ClassSample, Gradient, Lengths};
use crate::plan::Discovery;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What was found in the mining half of a class.
#[derive(Clone, Serialize, Deserialize)]
pub struct Mined {
    pub repeated: Vec<Repeated>,
    /// `None` where it was not asked for, or the views are too small.
    pub agreement: Option<Agreement>,
}

/// Mines the classes of a batch, in their order; what the cache keeps of unchanged ones is taken
/// from there.
///
/// # Errors
/// When the dataset can no longer be read, or the run is asked to stop.
pub fn mine(
    gallery: &mut Gallery<'_, '_, '_>,
    batch: &[&ClassSample],
    settings: &Discovery,
) -> Result<Vec<Mined>> {
    let seed = gallery.search.context.plan.run.seed;
    let Discovery { patches, fixed, .. } = settings;
    let mut known = Vec::new();
    let mut open = Vec::new();
    for class in batch {
        let what = format!("mined sizes {} {seed} {patches} {fixed}", class.class);
        let key = gallery.kept.class_key(&what, class);
        let kept: Option<Mined> = gallery.kept.get(key.as_ref());
        if kept.is_none() {
            open.push(*class);
        }
        known.push((*class, key, kept));
    }

    let mut fresh = mine_views(gallery, &open, settings)?.into_iter();
    let (mut mined, mut entries, mut used) = (Vec::new(), Vec::new(), Vec::new());
    for (class, key, kept) in known {
        if let Some(kept) = kept {
            used.extend(key);
            mined.push(kept);
            continue;
        }
        let Some(of_class) = fresh.next() else { break };
        let mut half = class.half(true);
        let is_complete = half.all(|image| gallery.views.contains_key(&image.image));
        if let Some(key) = key.filter(|_| is_complete) {
            entries.push((key, of_class.clone()));
        }
        mined.push(of_class);
    }
    gallery.kept.keep(&entries, &used);
    Ok(mined)
}

/// Mines the views of classes, in their order.
fn mine_views(
    gallery: &mut Gallery<'_, '_, '_>,
    batch: &[&ClassSample],
    settings: &Discovery,
) -> Result<Vec<Mined>> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    read(gallery, batch, settings)?;

    let cells = gallery.search.context.model.layout.cells();
    let mut inputs = Vec::new();
    for class in batch {
        let mut images = Vec::new();
        let mut all_cells = true;
        for image in class.half(true) {
            let Some(view) = gallery.views.get_mut(&image.image) else {
                continue;
            };
            let mined = std::mem::take(&mut view.cells);
            all_cells &= mined.len() == cells;
            images.push(MinedImage {
                picture: view.picture.clone(),
                cells: mined,
            });
        }
        inputs.push((images, all_cells));
    }

    let seed = gallery.search.context.plan.run.seed;
    gallery.search.pool.map(inputs, |_, (images, all_cells)| {
        let repeated = if settings.patches {
            patches::mine(&images, all_cells, seed)
        } else {
            Vec::new()
        };
        let agreement = if settings.fixed {
            agreement(&images)
        } else {
            None
        };
        Ok(Mined {
            repeated,
            agreement,
        })
    })
}

/// Reads the images of classes; those of the mining half with the features of cells, where patches
/// are searched for.
fn read(
    gallery: &mut Gallery<'_, '_, '_>,
    batch: &[&ClassSample],
    settings: &Discovery,
) -> Result<()> {
    let cells = gallery.search.context.model.layout.cells();
    let mut mined = BTreeMap::new();
    let mut ids = BTreeSet::new();
    for class in batch {
        let choice = CellChoice {
            class: class.class as usize,
            cells: patches::cells_per_image(class.half(true).count(), cells),
        };
        if settings.patches {
            mined.extend(class.half(true).map(|image| (image.image, choice)));
        }
        ids.extend(class.half(true).map(|image| ImageId(image.image)));
    }
    gallery.add(&ids, &mined)
}

fn agreement(images: &[MinedImage]) -> Option<Agreement> {
    let first = &images.first()?.picture;
    let lengths = Lengths::of(first.width, first.height)?;
    let mut sum = UnitSum::default();
    for image in images {
        sum.add(&Gradient::new(&image.picture));
    }
    Some(sum.agreement(lengths.block))
}
