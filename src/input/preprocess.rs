//! An upright photo -> the model's input tensor and the view that says where each pixel went.

use super::Photo;
use crate::error::{Skip, Stage};
use crate::geometry::{Size, View};
use crate::plan::{Channels, Filter, Layout, Preprocess, Step};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use std::borrow::Cow;

/// Most pixels of an intermediate picture; only absurdly elongated photos reach it.
const PIXELS_MAX: u64 = 100_000_000;

/// The model's input, batch 1, in the plan's layout.
pub struct Tensor {
    /// As the model declares it: `[1, c, h, w]` or `[1, h, w, c]`.
    pub shape: [usize; 4],
    pub values: Vec<f32>,
}

impl Tensor {
    /// Back to the picture that the model was shown.
    pub fn picture(&self, plan: &Preprocess) -> RgbImage {
        let (channels, size) = (plan.mean.len(), plan.output);
        let plane = size.width as usize * size.height as usize;
        let channel = |c: usize| match plan.channels {
            Channels::Rgb => c,
            Channels::Bgr => 2 - c,
            Channels::Grey => 0,
        };
        RgbImage::from_fn(size.width, size.height, |x, y| {
            let pixel = (y * size.width + x) as usize;
            image::Rgb([0, 1, 2].map(|c: usize| {
                let c = channel(c);
                let at = if plan.layout == Layout::Nchw {
                    c * plane + pixel
                } else {
                    pixel * channels + c
                };
                let level = (f64::from(self.values[at]) * plan.std[c] + plan.mean[c]) / plan.scale;
                level.round().clamp(0.0, 255.0) as u8
            }))
        })
    }
}

/// The training transform of one pipeline; owns its scratch memory, so one per worker.
pub struct Preprocessor {
    plan: Preprocess,
    /// Normalised value of every level, per channel.
    table: Vec<[f32; 256]>,
    resizer: Resizer,
}

/// An interleaved 8-bit picture.
struct Picture<'a> {
    size: Size,
    bytes: Cow<'a, [u8]>,
}

impl Preprocessor {
    pub fn new(plan: &Preprocess) -> Self {
        let level =
            |x: usize, c: usize| ((x as f64 * plan.scale - plan.mean[c]) / plan.std[c]) as f32;
        let table = (0..plan.mean.len())
            .map(|c| std::array::from_fn(|x| level(x, c)))
            .collect();
        Self {
            plan: plan.clone(),
            table,
            resizer: Resizer::new(),
        }
    }

    /// Shape of the tensors it makes.
    pub fn shape(plan: &Preprocess) -> [usize; 4] {
        let (w, h, c) = (
            plan.output.width as usize,
            plan.output.height as usize,
            plan.mean.len(),
        );
        match plan.layout {
            Layout::Nchw => [1, c, h, w],
            Layout::Nhwc => [1, h, w, c],
        }
    }

    /// Runs every step on the pixels and normalises.
    ///
    /// # Errors
    /// A skip `too_elongated` when an intermediate picture would be absurdly large, or `resize`.
    pub fn run(&mut self, photo: &Photo) -> Result<(Tensor, View), Skip> {
        let grey = self.plan.channels == Channels::Grey;
        let bytes = if grey {
            Cow::Owned(luma(photo.rgb.as_raw()))
        } else {
            Cow::Borrowed(photo.rgb.as_raw().as_slice())
        };
        let mut picture = Picture {
            size: photo.size,
            bytes,
        };
        let mut view = start(photo.original, photo.size);
        for i in 0..self.plan.steps.len() {
            let (next, moves) = apply(view, self.plan.steps[i])?;
            for m in moves {
                picture = self.make(picture, m)?;
            }
            view = next;
        }
        Ok((self.normalise(&picture), view))
    }

    fn make<'a>(&mut self, picture: Picture<'a>, m: Move) -> Result<Picture<'a>, Skip> {
        match m {
            Move::Resize(to, filter) => self.resize(picture, to, filter),
            Move::Window {
                left,
                top,
                size,
                fill,
            } => Ok(window(&picture, left, top, size, fill, self.table.len())),
        }
    }

    /// Rows first, then columns, each rounded to 8 bits, as Pillow does it.
    fn resize<'a>(
        &mut self,
        picture: Picture<'a>,
        to: Size,
        filter: Filter,
    ) -> Result<Picture<'a>, Skip> {
        if filter == Filter::Nearest {
            return self.resize_once(picture, to, filter);
        }
        let wide = Size::new(to.width, picture.size.height);
        let picture = self.resize_once(picture, wide, filter)?;
        self.resize_once(picture, to, filter)
    }

    fn resize_once<'a>(
        &mut self,
        picture: Picture<'a>,
        to: Size,
        filter: Filter,
    ) -> Result<Picture<'a>, Skip> {
        if to == picture.size {
            return Ok(picture);
        }
        let skip = |e: &dyn std::fmt::Display| Skip::new(Stage::Preprocess, "resize", e);
        let pixel = if self.table.len() == 1 {
            PixelType::U8
        } else {
            PixelType::U8x3
        };
        let Size { width, height } = picture.size;
        let source = ImageRef::new(width, height, &picture.bytes, pixel).map_err(|e| skip(&e))?;
        let mut target = Image::new(to.width, to.height, pixel);
        let options = ResizeOptions::new()
            .resize_alg(algorithm(filter))
            .use_alpha(false);
        self.resizer
            .resize(&source, &mut target, &options)
            .map_err(|e| skip(&e))?;
        Ok(Picture {
            size: to,
            bytes: target.into_vec().into(),
        })
    }

    fn normalise(&self, picture: &Picture<'_>) -> Tensor {
        let shape = Self::shape(&self.plan);
        let channels = self.table.len();
        let bgr = self.plan.channels == Channels::Bgr;
        let area = picture.size.width as usize * picture.size.height as usize;
        // Where the first number of a channel is, and how far apart its numbers are.
        let (plane, step) = match self.plan.layout {
            Layout::Nchw => (area, 1),
            Layout::Nhwc => (1, channels),
        };
        let mut values = vec![0.0; area * channels];
        for (c, levels) in self.table.iter().enumerate() {
            let source = if bgr { channels - 1 - c } else { c };
            let bytes = picture
                .bytes
                .chunks_exact(channels)
                .map(|pixel| levels[usize::from(pixel[source])]);
            values[c * plane..]
                .iter_mut()
                .step_by(step)
                .zip(bytes)
                .for_each(|(value, level)| *value = level);
        }
        Tensor { shape, values }
    }
}

/// The view before the first step: the photo, or what was decoded of it.
fn start(original: Size, decoded: Size) -> View {
    let view = View::identity(original);
    if decoded == original {
        view
    } else {
        view.resized(decoded)
    }
}

/// Pixels of the input for one pixel of a photo, the larger of both directions; `None` where the transform refuses it.
pub fn scale(plan: &Preprocess, size: Size) -> Option<f64> {
    let view = plan
        .steps
        .iter()
        .try_fold(View::identity(size), |view, step| {
            apply(view, *step).map(|(view, _)| view)
        });
    view.ok().map(|view| view.x_scale.max(view.y_scale))
}

/// What a step does to the pixels: resizes, and windows that crop or pad.
#[derive(Clone, Copy)]
enum Move {
    Resize(Size, Filter),
    Window {
        left: i64,
        top: i64,
        size: Size,
        fill: [u8; 3],
    },
}

/// One step on the view, and the pixel work that makes it true.
fn apply(view: View, step: Step) -> Result<(View, Vec<Move>), Skip> {
    let size = view.size;
    let crop = |to: Size| {
        let left = half_even(i64::from(size.width) - i64::from(to.width));
        let top = half_even(i64::from(size.height) - i64::from(to.height));
        (
            view.cropped(left, top, to),
            vec![Move::Window {
                left,
                top,
                size: to,
                fill: [0; 3],
            }],
        )
    };
    let out = match step {
        Step::ResizeExact { size, filter } => {
            (view.resized(size), vec![Move::Resize(size, filter)])
        }
        Step::ResizeShort { side, filter } => {
            let to = short_side(size, side)?;
            (view.resized(to), vec![Move::Resize(to, filter)])
        }
        Step::CenterCrop { side } => crop(Size::new(side, side)),
        Step::CenterCropFraction { fraction } => {
            let side = (f64::from(size.width.min(size.height)) * fraction)
                .floor()
                .max(1.0) as u32;
            crop(Size::new(side, side))
        }
        Step::Letterbox {
            size: to,
            fill,
            filter,
        } => {
            let ratio = (f64::from(to.width) / f64::from(size.width))
                .min(f64::from(to.height) / f64::from(size.height));
            let fit =
                |side: u32, max: u32| ((f64::from(side) * ratio).round() as u32).clamp(1, max);
            let inner = Size::new(fit(size.width, to.width), fit(size.height, to.height));
            let left = -i64::from((to.width - inner.width) / 2);
            let top = -i64::from((to.height - inner.height) / 2);
            let moves = vec![
                Move::Resize(inner, filter),
                Move::Window {
                    left,
                    top,
                    size: to,
                    fill,
                },
            ];
            (view.resized(inner).cropped(left, top, to), moves)
        }
    };
    Ok(out)
}

/// torchvision's `Resize(int)`: the long side is truncated.
fn short_side(size: Size, side: u32) -> Result<Size, Skip> {
    let (short, long) = (size.width.min(size.height), size.width.max(size.height));
    let scaled = u64::from(side) * u64::from(long) / u64::from(short.max(1));
    if scaled * u64::from(side) > PIXELS_MAX {
        let message =
            format!("{size} resized to a short side of {side} would be {scaled} pixels long");
        return Err(Skip::new(Stage::Preprocess, "too_elongated", message));
    }
    let scaled = scaled as u32;
    Ok(if size.width <= size.height {
        Size::new(side, scaled)
    } else {
        Size::new(scaled, side)
    })
}

/// Half of a difference as torchvision's `CenterCrop` takes it: rounded half to even where it cuts, towards zero where it
/// pads (negative).
fn half_even(difference: i64) -> i64 {
    if difference < 0 {
        -(-difference / 2)
    } else {
        (difference as f64 / 2.0).round_ties_even() as i64
    }
}

/// Cuts or pads to `size` with the corner at (`left`, `top`).
fn window(
    from: &Picture<'_>,
    left: i64,
    top: i64,
    size: Size,
    fill: [u8; 3],
    channels: usize,
) -> Picture<'static> {
    let fill = if channels == 1 {
        vec![luma(&fill)[0]]
    } else {
        fill.to_vec()
    };
    let mut bytes = fill.repeat(size.width as usize * size.height as usize);
    let span = |offset: i64, from: u32, to: u32| {
        let start = (-offset).max(0);
        (
            start,
            (i64::from(from) - offset).min(i64::from(to)).max(start),
        )
    };
    let (x0, x1) = span(left, from.size.width, size.width);
    let (y0, y1) = span(top, from.size.height, size.height);
    let stride = |size: Size| size.width as usize * channels;
    for y in y0..y1 {
        let target = y as usize * stride(size) + x0 as usize * channels;
        let source = (y + top) as usize * stride(from.size) + (x0 + left) as usize * channels;
        let length = (x1 - x0) as usize * channels;
        bytes[target..target + length].copy_from_slice(&from.bytes[source..source + length]);
    }
    Picture {
        size,
        bytes: bytes.into(),
    }
}

/// Pillow's `convert("L")`: ITU-R 601-2 luma in 16-bit fixed point.
fn luma(rgb: &[u8]) -> Vec<u8> {
    let mix = |p: &[u8]| {
        let sum =
            19_595 * u32::from(p[0]) + 38_470 * u32::from(p[1]) + 7_471 * u32::from(p[2]) + 0x8000;
        (sum >> 16) as u8
    };
    rgb.chunks_exact(3).map(mix).collect()
}

fn algorithm(filter: Filter) -> ResizeAlg {
    match filter {
        Filter::Nearest => ResizeAlg::Nearest,
        Filter::Bilinear => ResizeAlg::Convolution(FilterType::Bilinear),
        Filter::Bicubic => ResizeAlg::Convolution(FilterType::CatmullRom),
        Filter::Lanczos => ResizeAlg::Convolution(FilterType::Lanczos3),
    }
}
