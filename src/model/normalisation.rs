//! The 8-bit levels of a prepared image -> the numbers that a model takes.

use crate::error::{Error, Result};
use crate::plan::{Layout, Preprocess};

/// Levels of a channel.
pub const LEVELS: usize = 256;

/// The normalised value of every level of every channel: `(level scale - mean) / std`.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalisation {
    layout: Layout,
    /// By channel of the model.
    values: Vec<[f32; LEVELS]>,
}

impl Normalisation {
    pub fn new(plan: &Preprocess) -> Self {
        let channels = plan.mean.iter().zip(&plan.std);
        let values = channels.map(|(mean, std)| {
            std::array::from_fn(|level| ((level as f64 * plan.scale - mean) / std) as f32)
        });
        Self {
            layout: plan.layout,
            values: values.collect(),
        }
    }

    /// The values of levels in the order of the layout.
    pub fn values(&self, levels: &[u8]) -> Vec<f32> {
        let mut values = vec![0.0; levels.len()];
        self.fill(levels, &mut values);
        values
    }

    /// The same, into `values`, which is as long as `levels`.
    pub fn fill(&self, levels: &[u8], values: &mut [f32]) {
        let channels = self.values.len();
        match self.layout {
            // One loop for each layout: the processor walks planes twice as fast without a step.
            Layout::Nchw => {
                let plane = (levels.len() / channels).max(1);
                let planes = values.chunks_mut(plane).zip(levels.chunks(plane));
                for (of_channel, (values, levels)) in self.values.iter().zip(planes) {
                    for (value, level) in values.iter_mut().zip(levels) {
                        *value = of_channel[usize::from(*level)];
                    }
                }
            }
            Layout::Nhwc => {
                let pixels = values.chunks_mut(channels).zip(levels.chunks(channels));
                for (values, levels) in pixels {
                    for (channel, (value, level)) in values.iter_mut().zip(levels).enumerate() {
                        *value = self.values[channel][usize::from(*level)];
                    }
                }
            }
        }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.values.len()
    }

    /// The axis of the channels in a batch of images.
    pub fn channel_axis(&self) -> usize {
        match self.layout {
            Layout::Nchw => 1,
            Layout::Nhwc => 3,
        }
    }

    /// The values of all channels, one after the other.
    pub fn table(&self) -> Vec<f32> {
        self.values.concat()
    }

    /// For a model that takes 8-bit pixels: whole numbers from 0 to 255.
    ///
    /// # Errors
    /// When the preprocessing makes other numbers; names the keys.
    pub fn refuse_fractions(&self) -> Result<()> {
        let is_wrong = |value: &&f32| value.fract() != 0.0 || !(0.0..=255.0).contains(*value);
        match self.values.iter().flatten().find(is_wrong) {
            None => Ok(()),
            Some(value) => Err(Error::new(format!(
                "the model takes 8-bit pixels, and the preprocessing makes {value}; set scale = 1, \
                 mean = 0 and std = 1 in [preprocess]"
            ))),
        }
    }
}
