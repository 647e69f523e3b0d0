//! Rows of `concepts.parquet` and `heat_clusters.parquet`.

use super::super::search::Search;
use super::analysed::Compared;
use crate::dataset::ImageId;
use crate::tables::{ConceptRow, HeatClusterRow};
use std::collections::{BTreeMap, BTreeSet};

/// One row for each concept of each class.
pub fn concepts(search: &Search<'_, '_>, classes: &[Compared]) -> Vec<ConceptRow> {
    let names = search.context.labels.pooled_names();
    let mut rows = Vec::new();
    for class in classes {
        let Some(of_class) = &class.analysed.concepts else {
            continue;
        };
        let elsewhere = class.elsewhere.as_ref();
        for (place, concept) in of_class.concepts.iter().enumerate() {
            let ids = concept.strongest.iter().map(|s| ImageId(s.image));
            let ids: Vec<String> = ids.map(|id| id.to_string()).collect();
            let cells = concept.strongest.iter().flat_map(|strong| &strong.cells);
            rows.push(ConceptRow {
                label: name(&names, class.class),
                label_index: class.class,
                concept: place as u32 + 1,
                ordered_by: of_class.order.name().to_owned(),
                images: of_class.images,
                others: elsewhere.map_or(0, |elsewhere| elsewhere.images),
                presence: concept.presence,
                presence_elsewhere: elsewhere.and_then(|e| e.presence.get(place).copied()),
                high_elsewhere: elsewhere.and_then(|e| e.high.get(place).copied()),
                contribution: concept.contribution,
                share: concept.share,
                outside: concept.outside,
                right_less_wrong: concept.right_less_wrong,
                explained: of_class.explained,
                residual_share: of_class.residual_share,
                cell_level: f64::from(concept.cell_level),
                strongest: ids.join(" "),
                strongest_cells: cells.copied().collect(),
            });
        }
    }
    rows
}

/// One row for each image of a cluster.
pub fn clusters(search: &Search<'_, '_>, classes: &[Compared]) -> Vec<HeatClusterRow> {
    let names = search.context.labels.pooled_names();
    let mut rows = Vec::new();
    for class in classes {
        for (place, cluster) in class.analysed.clusters.iter().enumerate() {
            let wrong: BTreeSet<&u128> = cluster.wrong.iter().collect();
            for image in &cluster.members {
                rows.push(HeatClusterRow {
                    label: name(&names, class.class),
                    label_index: class.class,
                    cluster: place as u32 + 1,
                    image_id: ImageId(*image).to_string(),
                    correct: !wrong.contains(image),
                });
            }
        }
    }
    rows
}

/// The name of a class, as of its findings.
pub fn name(names: &BTreeMap<usize, String>, class: u32) -> String {
    let name = names.get(&(class as usize)).cloned();
    name.unwrap_or_else(|| class.to_string())
}
