//! An upright photo -> the model's input tensor, and the view that maps the photo to it.

use super::photo::Photo;
use super::picture::{Picture, luma};
use super::tensor::Tensor;
use super::transform::{edits, initial_view};
use crate::error::Skip;
use crate::geometry::{Rect, View};
use crate::plan::{Channels, Layout, Preprocess};
use fast_image_resize::Resizer;
use std::borrow::Cow;

/// Level of the fourth channel.
const OPAQUE: usize = 255;

/// The training transform of one pipeline; owns its scratch memory, so one per worker.
pub struct Preprocessor {
    plan: Preprocess,
    /// Normalised value of every level, per channel.
    levels: Vec<[f32; 256]>,
    resizer: Resizer,
    /// The rectangle of the input that the model's maps cover, where it is not the whole.
    frame: Option<Rect>,
}

impl Preprocessor {
    /// For a model whose maps cover the whole input, or a rectangle of it.
    pub fn new(plan: &Preprocess, frame: Option<Rect>) -> Self {
        let channels = 0..plan.mean.len();
        Self {
            plan: plan.clone(),
            levels: channels.map(|channel| levels(plan, channel)).collect(),
            resizer: Resizer::new(),
            frame,
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
        let (mut view, edits) = edits(&self.plan, initial_view(photo.original, photo.size))?;
        let mut picture = self.picture(photo);
        for edit in edits {
            picture = picture.edited(edit, &mut self.resizer)?;
        }
        if let Some(frame) = self.frame {
            view = view.framed(frame);
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
            channels: if self.plan.channels == Channels::Grey {
                1
            } else {
                3
            },
            bytes,
        }
    }

    fn normalise(&self, picture: &Picture<'_>) -> Tensor {
        let channels = self.levels.len();
        let area = picture.size.width as usize * picture.size.height as usize;
        let mut values = vec![0.0; area * channels];
        for channel in 0..channels {
            // One loop for each layout: the processor walks planes twice as fast without a step.
            match self.plan.layout {
                Layout::Nchw => {
                    let plane = &mut values[channel * area..][..area];
                    self.fill(plane.iter_mut(), picture, channel);
                }
                Layout::Nhwc => {
                    let targets = values[channel..].iter_mut().step_by(channels);
                    self.fill(targets, picture, channel);
                }
            }
        }
        Tensor {
            shape: Self::shape(&self.plan),
            values,
            frame: self.frame,
        }
    }

    /// Writes the normalised values of a channel, pixel by pixel.
    fn fill<'t>(
        &self,
        targets: impl Iterator<Item = &'t mut f32>,
        picture: &Picture<'_>,
        channel: usize,
    ) {
        let levels = &self.levels[channel];
        let source = match self.plan.channels {
            Channels::Bgr => self.levels.len() - 1 - channel,
            Channels::Rgb | Channels::Rgba | Channels::Grey => channel,
        };
        if source >= picture.channels {
            targets.for_each(|value| *value = levels[OPAQUE]);
            return;
        }

        let pixels = picture.bytes[source..].iter().step_by(picture.channels);
        for (value, level) in targets.zip(pixels) {
            *value = levels[usize::from(*level)];
        }
    }
}

/// The normalised values of all levels of one channel.
fn levels(plan: &Preprocess, channel: usize) -> [f32; 256] {
    let (mean, std) = (plan.mean[channel], plan.std[channel]);
    std::array::from_fn(|level| ((level as f64 * plan.scale - mean) / std) as f32)
}
