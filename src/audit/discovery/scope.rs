//! What a search for pictures looked at, in sentences.

use super::already_declared::AlreadyDeclared;
use super::search::{Sampled, Search};
use crate::dataset::Sample;
use crate::evidence::discovery::ClassSample;
use crate::evidence::discovery::fixed_places::CLASSES_MIN;
use crate::evidence::discovery::patches::{SUPPORT_MIN, cells_per_image};
use crate::finding::FindingOrigin;
use std::collections::BTreeMap;

/// What was searched for patches, and what cannot be excluded.
pub fn of_patches(
    search: &Search<'_, '_>,
    sampled: &Sampled,
    classes: &[&ClassSample],
    finds: &[(FindingOrigin, u32)],
) -> Vec<String> {
    let most = sampled.settings.images_per_class;
    let all = search.context.model.layout.cells();
    let of_class = |class: &&ClassSample| cells_per_image(class.half(true).count(), all);
    let cells = match classes.iter().map(of_class).min() {
        Some(fewest) if fewest < all => {
            format!("the {fewest} or more of {all} cells of each with the most evidence")
        }
        _ => format!("all {all} cells of each"),
    };
    let (large, small): (Vec<&ClassSample>, Vec<&ClassSample>) = classes
        .iter()
        .partition(|class| class.half(false).count() >= SUPPORT_MIN);
    let without = without(search, FindingOrigin::Patch, &large, finds);
    let mut sentences = Vec::new();
    sentences.extend(
        searched(search, &without).map(|searched| {
            format!("No repeated patch that tells a class in {searched} ({cells})")
        }),
    );
    sentences.extend(searched(search, &small).map(|images| {
        format!(
            "Patches were not searched in {images}: fewer than {SUPPORT_MIN} are left to test one"
        )
    }));
    sentences.push(format!(
        "Not excluded: patches in fewer than about 8 of at most {most} sampled images of a class \
         (30 where only the cells with the most evidence are searched), patches whose content \
         changes from image to image, and those that images of other classes show as well"
    ));
    sentences
}

/// The same for fixed places. `compared` are the classes with views large enough; `merged` places
/// are patches that were found, and `parts` belong to other places.
pub fn of_places(
    search: &Search<'_, '_>,
    compared: &[&ClassSample],
    finds: &[(FindingOrigin, u32)],
    [merged, parts]: [usize; 2],
) -> Vec<String> {
    if compared.len() < CLASSES_MIN {
        return vec![format!(
            "Fixed places were not searched: {} classes can be compared, and {CLASSES_MIN} are \
             needed",
            compared.len()
        )];
    }
    let without = without(search, FindingOrigin::Fixed, compared, finds);
    let mut sentences = Vec::new();
    sentences.extend(
        searched(search, &without)
            .map(|searched| format!("No fixed place with the same content in {searched}")),
    );
    match merged {
        0 => {}
        1 => sentences.push("1 fixed place is a patch that was found, and is listed as it".into()),
        merged => sentences.push(format!(
            "{merged} fixed places are patches that were found, and are listed as these"
        )),
    }
    match parts {
        0 => {}
        1 => sentences.push(
            "1 fixed place is shown by the same images as another one, and is listed with it"
                .into(),
        ),
        parts => sentences.push(format!(
            "{parts} fixed places are shown by the same images as another one, and are listed with \
             it"
        )),
    }
    sentences.push(
        "Not excluded: labels at one place in fewer than about 17 images of the half of a class \
         that is searched, translucent lines in fewer than about 34, and whatever moves by more \
         than 2 pixels of the model's input"
            .to_owned(),
    );
    sentences
}

/// A found picture that is at the place of a declared region.
pub fn of_declared(
    already: &AlreadyDeclared,
    names: &BTreeMap<usize, String>,
    samples: &BTreeMap<u128, Sample>,
) -> Option<String> {
    let class = names.get(&(already.class as usize))?;
    let AlreadyDeclared { region, name, .. } = already;
    let lacking = already.lacking.iter().filter_map(|id| samples.get(id));
    let first = lacking.map(|sample| sample.path.as_str()).min();
    let check = first.map(|path| {
        format!(
            "; of {} images that match, {} lack it by the pipeline, for example {path}: check how \
             its presence is declared",
            already.matching,
            already.lacking.len(),
        )
    });
    let check = check.unwrap_or_default();
    Some(if already.is_listed_once {
        format!(
            "Declared region {region} of {class} was found by the search too, and is listed \
             once{check}"
        )
    } else {
        format!("{name} of {class} is at the place of declared region {region}{check}")
    })
}

/// The classes without a find of an origin.
fn without<'c>(
    search: &Search<'_, '_>,
    origin: FindingOrigin,
    classes: &[&'c ClassSample],
    finds: &[(FindingOrigin, u32)],
) -> Vec<&'c ClassSample> {
    let has_find = |class: &&ClassSample| finds.contains(&(origin, class.class));
    let searched = classes.iter().copied();
    let searched = searched.filter(|class| search.is_searched(class.class));
    searched.filter(|class| !has_find(class)).collect()
}

/// The images and classes in words; `None` for no class.
fn searched(search: &Search<'_, '_>, classes: &[&ClassSample]) -> Option<String> {
    let images: usize = classes.iter().map(|class| class.images.len()).sum();
    let names = search.context.labels.pooled_names();
    match classes {
        [] => None,
        [class] => {
            let name = names.get(&(class.class as usize)).cloned();
            let name = name.unwrap_or_default();
            Some(format!("{images} sampled images of class {name}"))
        }
        classes => Some(format!(
            "{images} sampled images of {} classes",
            classes.len()
        )),
    }
}
