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
const OPAQUE: u8 = 255;

/// The training transform of one pipeline; owns its scratch memory, so one per worker.
pub struct Preprocessor {
    plan: Preprocess,
    resizer: Resizer,
    /// The rectangle of the input that the model's maps cover, where it is not the whole.
    frame: Option<Rect>,
}

impl Preprocessor {
    /// For a model whose maps cover the whole input, or a rectangle of it.
    pub fn new(plan: &Preprocess, frame: Option<Rect>) -> Self {
        Self {
            plan: plan.clone(),
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

    /// Runs every step on the pixels.
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
        Ok((self.tensor(&picture), view))
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

    /// The levels in the layout of the model.
    fn tensor(&self, picture: &Picture<'_>) -> Tensor {
        let channels = self.plan.mean.len();
        let area = picture.size.width as usize * picture.size.height as usize;
        let mut levels = vec![OPAQUE; area * channels];
        for channel in 0..channels {
            let source = match self.plan.channels {
                Channels::Bgr => channels - 1 - channel,
                Channels::Rgb | Channels::Rgba | Channels::Grey => channel,
            };
            if source >= picture.channels {
                continue;
            }
            let pixels = picture.bytes[source..].iter().step_by(picture.channels);
            // One loop for each layout: the processor walks planes twice as fast without a step.
            match self.plan.layout {
                Layout::Nchw => {
                    let plane = levels[channel * area..][..area].iter_mut();
                    plane.zip(pixels).for_each(|(to, from)| *to = *from);
                }
                Layout::Nhwc => {
                    let targets = levels[channel..].iter_mut().step_by(channels);
                    targets.zip(pixels).for_each(|(to, from)| *to = *from);
                }
            }
        }
        Tensor {
            shape: Self::shape(&self.plan),
            levels,
            frame: self.frame,
        }
    }
}
