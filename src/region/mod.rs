//! Where each declared region lies in one image, in the coordinates of the model's view.
//!
//! * `place` locates all regions of an image, and their mirror images.
//! * `annotated` finds regions and objects in the image's annotations.
//! * `fixed` computes places that are the same for all images.
//! * `raster` turns polygons into masks.

mod annotated;
mod fixed;
mod place;
mod raster;

pub use annotated::{Objects, annotated, objects};
pub use fixed::on_photo;
pub use place::{Kind, Placed, mirrors, place};
