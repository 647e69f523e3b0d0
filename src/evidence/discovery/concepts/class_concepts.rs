//! The concepts of one class, in the order in which they are shown.

use super::contributions::{Contributions, contributions};
use super::factors::{Factors, factorise, project, start};
use super::{CONCEPTS, ConceptImage, ITERATIONS, OtherImage, STRONGEST};
use crate::finding::ConceptOrder;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// Fewest images with objects for an order by what lies outside of them.
const WITH_OBJECTS_MIN: usize = 20;
/// Fewest held-out images for an order by right less wrong.
const WRONG_MIN: usize = 15;
const RIGHT_MIN: usize = 5;
/// The presence that this part of the class's images has or exceeds is looked for in other classes.
const HIGH_PART: f64 = 0.1;
/// A cell shows a concept from this part of what the strongest images show at most.
const CELL_PART: f32 = 0.5;

/// What the features of a class are made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassConcepts {
    pub images: u32,
    pub order: ConceptOrder,
    /// In the order in which they are shown.
    pub concepts: Vec<Concept>,
    /// The part of the squared features that the concepts make up.
    pub explained: f64,
    /// The part of the residual in the logit of an image: the median.
    pub residual_share: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concept {
    /// In the space of channels, of length 1.
    pub direction: Vec<f32>,
    /// Mean activation over cells and images.
    pub presence: f64,
    /// The presence that a tenth of the images has or exceeds.
    pub high_presence: f64,
    /// Mean contribution in logits.
    pub contribution: f64,
    /// As a part of the sum over the concepts that speak for the class.
    pub share: f64,
    /// The part of the activation outside the objects; `None` with few objects.
    pub outside: Option<f64>,
    /// Mean contribution of held-out images that are right, less that of wrong ones, as a part of
    /// the same sum as `share`; `None` with few of them.
    pub right_less_wrong: Option<f64>,
    /// The strongest first.
    pub strongest: Vec<StrongImage>,
    /// Activation from which a cell shows the concept.
    pub cell_level: f32,
}

/// An image that shows a concept, with the activation of each cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StrongImage {
    pub image: u128,
    pub presence: f64,
    pub cells: Vec<f32>,
}

/// How much images of other classes show the concepts of a class, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Elsewhere {
    pub images: u32,
    /// Mean presence; empty without images.
    pub presence: Vec<f64>,
    /// The part of the images with at least [`Concept::high_presence`].
    pub high: Vec<f64>,
}

/// The concepts of a class. The features of its images are taken out of them.
pub fn class_concepts(images: &mut [ConceptImage], seed: u64) -> ClassConcepts {
    let features = features(images);
    let factors = factorise(&features, start(&features, CONCEPTS, seed), ITERATIONS);
    let explained = explained(&features, &factors);
    drop(features);

    let of_images = contributions(&factors, images);
    let measured = Measured {
        images,
        factors: &factors,
        of_images: &of_images,
    };
    let mut concepts: Vec<Concept> = (0..CONCEPTS).map(|row| measured.concept(row)).collect();
    let order = measured.order();
    let key = |concept: &Concept| match order {
        ConceptOrder::OutsideObjects if concept.contribution <= 0.0 => -1.0,
        ConceptOrder::OutsideObjects => concept.outside.unwrap_or(0.0),
        ConceptOrder::RightLessWrong => concept.right_less_wrong.unwrap_or(0.0),
        ConceptOrder::Unordered => concept.share,
    };
    concepts.sort_by(|a, b| key(b).total_cmp(&key(a)));

    let mut shares: Vec<f64> = of_images
        .iter()
        .map(Contributions::residual_share)
        .collect();
    shares.sort_by(f64::total_cmp);
    ClassConcepts {
        images: images.len() as u32,
        order,
        concepts,
        explained,
        residual_share: shares.get(shares.len() / 2).copied().unwrap_or(0.0),
    }
}

/// The features of all images, one cell a column.
fn features(images: &mut [ConceptImage]) -> DMatrix<f32> {
    let channels = images.first().map_or(0, |image| image.weights.len());
    let count = images.iter().map(|image| image.cells.len()).sum();
    let mut values = Vec::with_capacity(count);
    for image in images {
        values.append(&mut std::mem::take(&mut image.cells));
    }
    DMatrix::from_vec(channels, count / channels.max(1), values)
}

/// The part of the squared features that is no residual.
fn explained(features: &DMatrix<f32>, factors: &Factors) -> f64 {
    let (mut all, mut left) = (0.0, 0.0);
    let directions = factors.directions.transpose();
    for (cell, activation) in features
        .column_iter()
        .zip(factors.activations.column_iter())
    {
        all += f64::from(cell.norm_squared());
        let residual = cell - &directions * activation;
        left += f64::from(residual.norm_squared());
    }
    1.0 - left / all.max(f64::MIN_POSITIVE)
}

/// How much images of other classes show the concepts of a class.
pub fn elsewhere(class: u32, concepts: &[Concept], others: &[OtherImage]) -> Elsewhere {
    let channels = concepts
        .first()
        .map_or(0, |concept| concept.direction.len());
    let directions = DMatrix::from_fn(concepts.len(), channels, |row, channel| {
        concepts[row].direction[channel]
    });
    let mut images = 0;
    let mut presence = vec![0.0; concepts.len()];
    let mut high = vec![0.0; concepts.len()];
    for other in others.iter().filter(|other| other.class != class) {
        images += 1;
        let of_image = presences(&other.cells, &directions);
        for (place, value) in of_image.into_iter().enumerate() {
            presence[place] += value;
            let is_high = value > 0.0 && value >= concepts[place].high_presence;
            high[place] += f64::from(u8::from(is_high));
        }
    }
    if images == 0 {
        (presence, high) = (Vec::new(), Vec::new());
    }
    for sum in presence.iter_mut().chain(&mut high) {
        *sum /= f64::from(images);
    }
    Elsewhere {
        images,
        presence,
        high,
    }
}

/// The presence of each direction in one image.
fn presences(cells: &[f32], directions: &DMatrix<f32>) -> Vec<f64> {
    let channels = directions.ncols().max(1);
    let count = cells.len() / channels;
    let features = DMatrix::from_column_slice(channels, count, cells);
    let activations = project(&features, directions);
    let mut means = Vec::new();
    for row in activations.row_iter() {
        let sum: f64 = row.iter().map(|value| f64::from(*value)).sum();
        means.push(sum / count.max(1) as f64);
    }
    means
}

/// What the concepts of a class are described by.
struct Measured<'m> {
    images: &'m [ConceptImage],
    factors: &'m Factors,
    of_images: &'m [Contributions],
}

impl Measured<'_> {
    fn order(&self) -> ConceptOrder {
        if self.with_objects() >= WITH_OBJECTS_MIN {
            ConceptOrder::OutsideObjects
        } else if self.right_and_wrong().is_some() {
            ConceptOrder::RightLessWrong
        } else {
            ConceptOrder::Unordered
        }
    }

    fn with_objects(&self) -> usize {
        let images = self.images.iter();
        images.filter(|image| image.on_objects.is_some()).count()
    }

    /// Held-out images that are right and wrong, by their places; `None` with too few.
    fn right_and_wrong(&self) -> Option<(Vec<usize>, Vec<usize>)> {
        let held_out = (0..self.images.len()).filter(|place| self.images[*place].held_out);
        let (right, wrong): (Vec<usize>, Vec<usize>) =
            held_out.partition(|place| self.images[*place].correct);
        let is_enough = right.len() >= RIGHT_MIN && wrong.len() >= WRONG_MIN;
        is_enough.then_some((right, wrong))
    }

    /// Mean contribution of a concept over some images.
    fn mean(&self, row: usize, places: &[usize]) -> f64 {
        let values = places.iter().map(|p| self.of_images[*p].of_concepts[row]);
        values.sum::<f64>() / places.len().max(1) as f64
    }

    /// The sum of the mean contributions that speak for the class.
    fn positive(&self) -> f64 {
        let all: Vec<usize> = (0..self.images.len()).collect();
        let means = (0..CONCEPTS).map(|row| self.mean(row, &all).max(0.0));
        means.sum::<f64>().max(f64::MIN_POSITIVE)
    }

    fn concept(&self, row: usize) -> Concept {
        let all: Vec<usize> = (0..self.images.len()).collect();
        let contribution = self.mean(row, &all);
        let positive = self.positive();
        let presences: Vec<f64> = self.of_images.iter().map(|i| i.presence[row]).collect();
        let strongest = self.strongest(row, &presences);
        let right_less_wrong = self.right_and_wrong().map(|(right, wrong)| {
            let difference = self.mean(row, &right) - self.mean(row, &wrong);
            difference / positive
        });
        Concept {
            direction: self.factors.directions.row(row).iter().copied().collect(),
            presence: mean(&presences),
            high_presence: high(&presences),
            contribution,
            share: contribution / positive,
            outside: self.outside(row),
            right_less_wrong,
            cell_level: cell_level(&strongest),
            strongest,
        }
    }

    /// The activations of the cells of one image, by its place.
    fn cells(&self, row: usize, place: usize) -> impl Iterator<Item = f32> {
        let cells = self.images[place].map.len();
        let columns = self.factors.activations.columns(place * cells, cells);
        (0..cells).map(move |cell| columns[(row, cell)])
    }

    fn outside(&self, row: usize) -> Option<f64> {
        if self.with_objects() < WITH_OBJECTS_MIN {
            return None;
        }
        let (mut all, mut outside) = (0.0, 0.0);
        for (place, image) in self.images.iter().enumerate() {
            let Some(on_objects) = &image.on_objects else {
                continue;
            };
            for (activation, part) in self.cells(row, place).zip(on_objects) {
                all += f64::from(activation);
                outside += f64::from(activation) * (1.0 - part);
            }
        }
        (all > 0.0).then_some(outside / all)
    }

    fn strongest(&self, row: usize, presences: &[f64]) -> Vec<StrongImage> {
        let mut order: Vec<usize> = (0..presences.len()).collect();
        order.sort_by(|a, b| presences[*b].total_cmp(&presences[*a]));
        order.retain(|place| presences[*place] > 0.0);
        order.truncate(STRONGEST);
        let image = |place: usize| StrongImage {
            image: self.images[place].image,
            presence: presences[place],
            cells: self.cells(row, place).collect(),
        };
        order.into_iter().map(image).collect()
    }
}

/// Half of what the strongest images show at most: of their largest activations the median.
fn cell_level(strongest: &[StrongImage]) -> f32 {
    let largest = |image: &StrongImage| image.cells.iter().copied().fold(0.0, f32::max);
    let mut largest: Vec<f32> = strongest.iter().map(largest).collect();
    largest.sort_by(f32::total_cmp);
    CELL_PART * largest.get(largest.len() / 2).copied().unwrap_or(0.0)
}

/// The value that a tenth of them has or exceeds.
fn high(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let count = (HIGH_PART * sorted.len() as f64).ceil() as usize;
    let place = count.saturating_sub(1);
    sorted.get(place).copied().unwrap_or(0.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
