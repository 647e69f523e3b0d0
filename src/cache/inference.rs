//! What is kept of one image.

use crate::cam::Cam;
use crate::geometry::{Size, Transpose, View};
use crate::model::predicted;
use serde::{Deserialize, Serialize};

/// Everything that the rows of one image are made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CachedInference {
    pub size: Size,
    pub transpose: Option<Transpose>,
    /// Whether the file states another orientation than upright.
    pub is_turned: bool,
    pub view: View,
    pub logits: Vec<f32>,
    pub maps: Vec<ClassMaps>,
    pub fingerprint: Option<String>,
}

/// The maps of one class: raw, and of the centred weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassMaps {
    pub class: usize,
    pub cam: Cam,
    pub centred: Cam,
}

impl CachedInference {
    /// Class with the largest logit, the first where several are.
    pub fn predicted(&self) -> usize {
        predicted(&self.logits)
    }

    /// Whether the other is equal in everything that this one has.
    pub fn agrees_with(&self, other: &Self) -> bool {
        let same_photo = (self.size, self.transpose, self.view, &self.fingerprint)
            == (other.size, other.transpose, other.view, &other.fingerprint);
        let mut maps = self.maps.iter();
        same_photo
            && self.logits == other.logits
            && maps.all(|maps| other.maps_of(maps.class) == Some(maps))
    }

    pub fn maps_of(&self, class: usize) -> Option<&ClassMaps> {
        self.maps.iter().find(|maps| maps.class == class)
    }
}
