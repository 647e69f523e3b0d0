//! An upright photo -> the model's input tensor, and the view that maps the photo to it.

use super::photo::Photo;
use super::picture::{Picture, luma};
use super::tensor::Tensor;
use super::transform::{apply, initial_view};
use crate::error::Skip;
use crate::geometry::View;
use crate::plan::{Channels, Layout, Preprocess};
use fast_image_resize::Resizer;
use std::borrow::Cow;

/// The training transform of one pipeline; owns its scratch memory, so one per worker.
pub struct Preprocessor {
    plan: Preprocess,
    /// Normalised value of every level, per channel.
    levels: Vec<[f32; 256]>,
    resizer: Resizer,
}

impl Preprocessor {
    pub fn new(plan: &Preprocess) -> Self {
        let channels = 0..plan.mean.len();
        Self {
            plan: plan.clone(),
            levels: channels.map(|channel| levels(plan, channel)).collect(),
            resizer: Resizer::new(),
        }
    }

    /// Shape of the tensors it makes.
    pub fn shape(plan: &Preprocess) -> [usize; 4] {
        let width = plan.output.width as usize;
        let height = plan.output.height as usize;
        let channels = plan.mean.len();
        match plan.layout {
            Layout::Nchw => [1, channels, height, width],
            Layout::Nhwc => [1, height, width, channels],
        }
    }

    /// Runs every step on the pixels and normalises.
    ///
    /// # Errors
    /// A skip `too_elongated` when an intermediate picture would be absurdly large, or `resize`.
    pub fn run(&mut self, photo: &Photo) -> Result<(Tensor, View), Skip> {
        let mut picture = self.picture(photo);
        let mut view = initial_view(photo.original, photo.size);
        for step in &self.plan.steps {
            let (next, edits) = apply(view, *step)?;
            for edit in edits {
                picture = picture.edited(edit, &mut self.resizer)?;
            }
            view = next;
        }
        Ok((self.normalise(&picture), view))
    }

    /// The photo in the channels of the model.
    fn picture<'a>(&self, photo: &'a Photo) -> Picture<'a> {
        let rgb = photo.rgb.as_raw().as_slice();
        let bytes = if self.plan.channels == Channels::Grey {
            Cow::Owned(luma(rgb))
        } else {
            Cow::Borrowed(rgb)
        };
        Picture {
            size: photo.size,
            channels: self.levels.len(),
            bytes,
        }
    }

    fn normalise(&self, picture: &Picture<'_>) -> Tensor {
        let channels = self.levels.len();
        let area = picture.size.width as usize * picture.size.height as usize;
        // Distance between the first numbers of two channels, and between the numbers of one.
        let (plane, step) = match self.plan.layout {
            Layout::Nchw => (area, 1),
            Layout::Nhwc => (1, channels),
        };

        let mut values = vec![0.0; area * channels];
        for (channel, levels) in self.levels.iter().enumerate() {
            let source = match self.plan.channels {
                Channels::Bgr => channels - 1 - channel,
                Channels::Rgb | Channels::Grey => channel,
            };
            let pixels = picture.bytes.chunks_exact(channels);
            let targets = values[channel * plane..].iter_mut().step_by(step);
            for (value, pixel) in targets.zip(pixels) {
                *value = levels[usize::from(pixel[source])];
            }
        }
        Tensor {
            shape: Self::shape(&self.plan),
            values,
        }
    }
}

/// The normalised values of all levels of one channel.
fn levels(plan: &Preprocess, channel: usize) -> [f32; 256] {
    let (mean, std) = (plan.mean[channel], plan.std[channel]);
    std::array::from_fn(|level| ((level as f64 * plan.scale - mean) / std) as f32)
}
