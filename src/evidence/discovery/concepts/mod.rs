//! Concepts of a class: what the features of its images are made of, by non-negative factors, how
//! much each adds to the logit, and the images that show it most.
//!
//! They are for people to look at, and no evidence: a background of varying form stands beside the
//! parts of the object.

mod class_concepts;
mod contributions;
mod factors;
mod usage;

pub use class_concepts::{
    ClassConcepts, Concept, Elsewhere, StrongImage, class_concepts, elsewhere,
};
pub use contributions::{Contributions, contributions};
pub use factors::{Factors, factorise, project, start};
pub use usage::{ConceptUse, Filled, FilledImage, concept_use, strong_and_weak};

/// Concepts of a class, and iterations of the factors.
pub const CONCEPTS: usize = 8;
pub const ITERATIONS: usize = 30;
/// Fewest images of a class.
pub const IMAGES_MIN: usize = 60;
/// Images that are shown of a concept.
pub const STRONGEST: usize = 10;
/// Negative features count as 0. Where they make up more than this part of the squared features,
/// non-negative factors would say little of them.
pub const NEGATIVE_MAX: f64 = 0.1;

/// What concepts are made of: the features of one image.
#[derive(Debug, Clone)]
pub struct ConceptImage {
    pub image: u128,
    /// Features that are not negative, cell by cell.
    pub cells: Vec<f32>,
    /// Weights of the class less the mean of all classes, for this image.
    pub weights: Vec<f64>,
    /// The map of these weights: its mean and the bias are the logit, less the mean of the logits.
    pub map: Vec<f64>,
    pub bias: f64,
    /// The part of each cell that lies on the objects; `None` without objects.
    pub on_objects: Option<Vec<f64>>,
    /// Of no split that the model was trained on.
    pub held_out: bool,
    /// The model predicts the label.
    pub correct: bool,
}

/// An image that concepts of other classes are compared with.
#[derive(Debug, Clone)]
pub struct OtherImage {
    pub class: u32,
    /// As of [`ConceptImage::cells`].
    pub cells: Vec<f32>,
}
