//! The search for confounders that nobody declared, without images and without the model: pure
//! functions of numbers. `audit/discovery` reads the images and runs the model.
//!
//! What is found in one half of the groups, the mining half, is tested in the other; `properties`
//! are tested in both directions.

pub mod concepts;
pub mod fixed_places;
mod fourier;
pub mod heat_clusters;
mod parts;
pub mod patches;
mod picture;
pub mod properties;
mod sample;
mod separation;

pub use picture::{Gradient, Lengths, PixelBox, SearchPicture};
pub use sample::{ClassSample, SampledImage, round_robin};
pub use separation::separating;
