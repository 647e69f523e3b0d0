//! `[discovery]`: what is searched for.

use super::checker::Checker;
use crate::plan::file::DiscoveryFile;
use crate::plan::types::Discovery;

/// Fewest images of a class in which anything could be found.
const IMAGES_MIN: u32 = 20;
/// The pairs of cells that are compared grow with the square.
const IMAGES_MAX: u32 = 2_000;

pub fn discovery(file: &DiscoveryFile, check: &mut Checker<'_>) -> Discovery {
    let images_per_class = check.count(
        "discovery.images_per_class",
        file.images_per_class.unwrap_or(400),
        IMAGES_MIN..=IMAGES_MAX,
    );
    let discovery = Discovery {
        patches: file.patches.unwrap_or(true),
        fixed: file.fixed.unwrap_or(true),
        properties: file.properties.unwrap_or(true),
        concepts: file.concepts.unwrap_or(true),
        images_per_class: images_per_class as usize,
    };

    let Discovery {
        patches,
        fixed,
        properties,
        concepts,
        ..
    } = discovery;
    if !(patches || fixed || properties || concepts) {
        check.problem(
            "discovery",
            "patches, fixed, properties and concepts are all false: remove the table to search for \
             nothing",
        );
    }
    discovery
}
