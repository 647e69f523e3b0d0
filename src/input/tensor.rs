use crate::plan::{Channels, Layout, Preprocess};
use image::{Rgb, RgbImage};

/// The model's input, batch 1, in the plan's layout.
pub struct Tensor {
    /// As the model declares it: `[1, c, h, w]` or `[1, h, w, c]`.
    pub shape: [usize; 4],
    pub values: Vec<f32>,
}

impl Tensor {
    /// The picture that the model receives, for display.
    pub fn picture(&self, plan: &Preprocess) -> RgbImage {
        let size = plan.output;
        RgbImage::from_fn(size.width, size.height, |x, y| {
            let pixel = (y * size.width + x) as usize;
            Rgb([0, 1, 2].map(|colour| self.level(plan, pixel, colour)))
        })
    }

    /// The level of a pixel before the normalisation; `colour` is 0 to 2 for red, green and blue.
    fn level(&self, plan: &Preprocess, pixel: usize, colour: usize) -> u8 {
        let channel = match plan.channels {
            Channels::Rgb => colour,
            Channels::Bgr => 2 - colour,
            Channels::Grey => 0,
        };
        let at = match plan.layout {
            Layout::Nchw => {
                let plane = plan.output.width as usize * plan.output.height as usize;
                channel * plane + pixel
            }
            Layout::Nhwc => pixel * plan.mean.len() + channel,
        };

        let value = f64::from(self.values[at]);
        let level = (value * plan.std[channel] + plan.mean[channel]) / plan.scale;
        level.round().clamp(0.0, 255.0) as u8
    }
}
