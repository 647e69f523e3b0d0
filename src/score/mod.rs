//! Map x regions -> measurements. Shares count positive heat only; contributions are signed and in
//! logits.

mod heat;
mod localise;
mod measurement;

pub use heat::{Footprint, Heat, RegionScores, area_without, contrast, region};
pub use localise::{Localisation, localise, rank_accuracy};
pub use measurement::{
    ImageFacts, MapMeasurement, Measurement, ObjectMeasurement, RegionMeasurement, RegionPlace,
};
