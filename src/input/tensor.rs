use crate::geometry::{Rect, Size};
use crate::plan::{Channels, Layout, Preprocess};
use image::{Rgb, RgbImage};

/// Level of pixels that the graph adds around the input.
const PADDING: u8 = 128;

/// The model's input before the normalisation: 8-bit levels, batch 1, in the plan's layout.
pub struct Tensor {
    /// As the model declares it: `[1, c, h, w]` or `[1, h, w, c]`.
    pub shape: [usize; 4],
    pub levels: Vec<u8>,
    /// The rectangle that the model's maps cover, where it is not the whole input.
    pub frame: Option<Rect>,
}

impl Tensor {
    /// The picture that the model receives, for display: what its maps cover. Pixels that the graph
    /// adds are grey.
    pub fn picture(&self, plan: &Preprocess) -> RgbImage {
        let size = plan.output;
        let frame = self.frame.unwrap_or(size.rect());
        let view = Size::new(
            frame.width().round().max(1.0) as u32,
            frame.height().round().max(1.0) as u32,
        );
        let step_x = frame.width() / f64::from(view.width);
        let step_y = frame.height() / f64::from(view.height);

        RgbImage::from_fn(view.width, view.height, |x, y| {
            let x = (frame.x0 + (f64::from(x) + 0.5) * step_x).floor();
            let y = (frame.y0 + (f64::from(y) + 0.5) * step_y).floor();
            let is_inside =
                x >= 0.0 && y >= 0.0 && x < f64::from(size.width) && y < f64::from(size.height);
            if !is_inside {
                return Rgb([PADDING; 3]);
            }
            let pixel = y as usize * size.width as usize + x as usize;
            Rgb([0, 1, 2].map(|colour| self.level(plan, pixel, colour)))
        })
    }

    /// The level of a pixel; `colour` is 0 to 2 for red, green and blue.
    fn level(&self, plan: &Preprocess, pixel: usize, colour: usize) -> u8 {
        let channel = match plan.channels {
            Channels::Rgb | Channels::Rgba => colour,
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
        self.levels[at]
    }
}
