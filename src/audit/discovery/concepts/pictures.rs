//! Images that show a concept, with its cells; mean maps and images of heat clusters.

use super::super::search::Search;
use super::super::views::{self, reduced};
use super::analysed::Compared;
use super::rows::name;
use crate::dataset::{ImageId, Sample};
use crate::error::Result;
use crate::evidence::discovery::concepts::{ClassConcepts, Concept};
use crate::evidence::discovery::heat_clusters::HeatCluster;
use crate::finding::{ConceptOrder, FigureRole};
use crate::plan::Pictures;
use crate::report::{CellMap, cell_map_picture, mean_map_picture, panel};
use crate::runs::concepts::{cluster_name, concept_name};
use crate::runs::documents::{Figure, Panel};
use std::collections::{BTreeMap, BTreeSet};

/// Classes with pictures: those with the most images.
const CLASSES_SHOWN: usize = 24;
/// Concepts that are shown where they have an order.
const CONCEPTS_SHOWN: usize = 3;

/// One image of a figure.
struct Picture<'c> {
    image: u128,
    cells: &'c [f32],
    caption: String,
}

/// The figures of the largest classes.
///
/// # Errors
/// When the dataset can no longer be read, a picture cannot be encoded, or the run is asked to
/// stop.
pub fn figures(search: &Search<'_, '_>, classes: &[Compared]) -> Result<Vec<Figure>> {
    if search.context.plan.report.pictures == Pictures::None {
        return Ok(Vec::new());
    }
    let mut shown: Vec<&Compared> = classes.iter().collect();
    let size = |class: &Compared| -> usize {
        let members = class.analysed.clusters.iter().map(|c| c.members.len());
        members.sum()
    };
    shown.sort_by_key(|class| std::cmp::Reverse(size(class)));
    shown.truncate(CLASSES_SHOWN);

    let names = search.context.labels.pooled_names();
    let mut figures = Vec::new();
    for class in shown {
        let concepts = class.analysed.concepts.iter().flat_map(shown_concepts);
        let concepts: Vec<&Concept> = concepts.collect();
        let clusters = &class.analysed.clusters;
        let strongest = concepts.iter().flat_map(|c| &c.strongest).map(|s| s.image);
        let examples = clusters.iter().flat_map(|c| &c.examples).map(|e| e.0);
        let ids: BTreeSet<ImageId> = strongest.chain(examples).map(ImageId).collect();
        let samples = views::samples(search, &ids)?;
        let shown = ShownClass {
            search,
            samples: &samples,
            label: name(&names, class.class),
        };
        for (place, concept) in concepts.into_iter().enumerate() {
            figures.extend(shown.concept(place, concept)?);
        }
        for (place, cluster) in clusters.iter().enumerate() {
            figures.extend(shown.cluster(place, cluster)?);
        }
    }
    Ok(figures)
}

/// The first concepts of a class; all where nothing orders them.
fn shown_concepts(class: &ClassConcepts) -> impl Iterator<Item = &Concept> {
    let count = match class.order {
        ConceptOrder::Unordered => class.concepts.len(),
        ConceptOrder::OutsideObjects | ConceptOrder::RightLessWrong => CONCEPTS_SHOWN,
    };
    class.concepts.iter().take(count)
}

struct ShownClass<'s, 'x, 'a> {
    search: &'s Search<'x, 'a>,
    samples: &'s BTreeMap<u128, Sample>,
    label: String,
}

impl ShownClass<'_, '_, '_> {
    fn concept(&self, place: usize, concept: &Concept) -> Result<Vec<Figure>> {
        let mut pictures = Vec::new();
        for strong in &concept.strongest {
            pictures.push(Picture {
                image: strong.image,
                cells: &strong.cells,
                caption: format!("mean activation {:.2}", strong.presence),
            });
        }
        self.figures(&concept_name(place), FigureRole::Concept, pictures)
    }

    fn cluster(&self, place: usize, cluster: &HeatCluster) -> Result<Vec<Figure>> {
        let region = cluster_name(place);
        let layout = self.search.context.model.layout;
        let mean = mean_map_picture(&CellMap {
            cells: &cluster.mean,
            height: layout.height,
            width: layout.width,
        });
        let caption = format!("mean of {} maps", cluster.members.len());
        let panels = vec![panel(caption, &mean)?];
        let mut figures = vec![self.figure(&region, FigureRole::HeatCluster, "", panels)];

        let mut pictures = Vec::new();
        for (image, map) in &cluster.examples {
            let is_wrong = cluster.wrong.contains(image);
            pictures.push(Picture {
                image: *image,
                cells: map,
                caption: if is_wrong { "wrong" } else { "right" }.to_owned(),
            });
        }
        figures.extend(self.figures(&region, FigureRole::HeatCluster, pictures)?);
        Ok(figures)
    }

    /// Images that can no longer be read are left out.
    fn figures(
        &self,
        region: &str,
        role: FigureRole,
        pictures: Vec<Picture<'_>>,
    ) -> Result<Vec<Figure>> {
        let context = self.search.context;
        let layout = context.model.layout;
        let known = pictures.into_iter();
        let known = known.filter_map(|p| Some((self.samples.get(&p.image)?, p)));
        let drawn = self.search.pool.map(known.collect(), |worker, item| {
            let (sample, picture): (&Sample, Picture<'_>) = item;
            let Ok((tensor, _)) = worker.prepare_sample(sample) else {
                return Ok(None);
            };
            let view = reduced(tensor.picture(&context.plan.preprocess));
            let map = CellMap {
                cells: picture.cells,
                height: layout.height,
                width: layout.width,
            };
            let panels = vec![panel(picture.caption, &cell_map_picture(&view, &map))?];
            Ok(Some((sample, panels)))
        })?;
        let mut figures = Vec::new();
        for (sample, panels) in drawn.into_iter().flatten() {
            figures.push(self.figure(region, role, &sample.path, panels));
        }
        Ok(figures)
    }

    fn figure(&self, region: &str, role: FigureRole, path: &str, panels: Vec<Panel>) -> Figure {
        Figure {
            label: self.label.clone(),
            region: region.to_owned(),
            role,
            path: path.to_owned(),
            panels,
        }
    }
}
