//! Pixel work on interleaved 8-bit pictures.

use super::transform::{Edit, Window};
use crate::error::{Skip, SkipReason, Stage};
use crate::geometry::Size;
use crate::plan::Filter;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use std::borrow::Cow;
use std::fmt::Display;
use std::ops::Range;

/// An interleaved 8-bit picture with 1 or 3 channels.
pub struct Picture<'a> {
    pub size: Size,
    pub channels: usize,
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Picture<'a> {
    /// # Errors
    /// A skip `resize`.
    pub fn edited(self, edit: Edit, resizer: &mut Resizer) -> Result<Self, Skip> {
        match edit {
            Edit::Resize(size, filter) => self.resized(size, filter, resizer),
            Edit::Window(window) => Ok(self.windowed(window)),
        }
    }

    /// Resizes rows first, then columns, each rounded to 8 bits as in Pillow.
    fn resized(self, size: Size, filter: Filter, resizer: &mut Resizer) -> Result<Self, Skip> {
        if filter == Filter::Nearest {
            return self.resized_once(size, filter, resizer);
        }
        let wide = Size::new(size.width, self.size.height);
        self.resized_once(wide, filter, resizer)?
            .resized_once(size, filter, resizer)
    }

    fn resized_once(self, size: Size, filter: Filter, resizer: &mut Resizer) -> Result<Self, Skip> {
        if size == self.size {
            return Ok(self);
        }
        let pixel = if self.channels == 1 {
            PixelType::U8
        } else {
            PixelType::U8x3
        };
        let Size { width, height } = self.size;
        let source = ImageRef::new(width, height, &self.bytes, pixel).map_err(resize_skip)?;
        let mut target = Image::new(size.width, size.height, pixel);

        let options = ResizeOptions::new()
            .resize_alg(algorithm(filter))
            .use_alpha(false);
        resizer
            .resize(&source, &mut target, &options)
            .map_err(resize_skip)?;
        Ok(Self {
            size,
            channels: self.channels,
            bytes: target.into_vec().into(),
        })
    }

    /// Crops or pads.
    fn windowed(&self, window: Window) -> Self {
        let Window {
            left,
            top,
            size,
            fill,
        } = window;
        let fill = if self.channels == 1 {
            luma(&fill)
        } else {
            fill.to_vec()
        };
        let mut bytes = fill.repeat(size.width as usize * size.height as usize);

        let columns = covered(left, self.size.width, size.width);
        let length = (columns.end - columns.start) as usize * self.channels;
        for y in covered(top, self.size.height, size.height) {
            let target = offset(size, self.channels, columns.start, y);
            let source = offset(self.size, self.channels, columns.start + left, y + top);
            bytes[target..target + length].copy_from_slice(&self.bytes[source..source + length]);
        }
        Self {
            size,
            channels: self.channels,
            bytes: bytes.into(),
        }
    }
}

/// Pixels along one side of a window that the picture covers.
fn covered(offset: i64, picture: u32, window: u32) -> Range<i64> {
    let start = (-offset).max(0);
    let end = (i64::from(picture) - offset).min(i64::from(window));
    start..end.max(start)
}

/// Position of a pixel in the bytes of a picture.
fn offset(size: Size, channels: usize, x: i64, y: i64) -> usize {
    (y as usize * size.width as usize + x as usize) * channels
}

/// Pillow's `convert("L")`: ITU-R 601-2 luma in 16-bit fixed point.
pub fn luma(rgb: &[u8]) -> Vec<u8> {
    let (pixels, _) = rgb.as_chunks::<3>();
    pixels.iter().map(|pixel| pixel_luma(*pixel)).collect()
}

fn pixel_luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = 19_595 * u32::from(r) + 38_470 * u32::from(g) + 7_471 * u32::from(b) + 0x8000;
    (sum >> 16) as u8
}

fn algorithm(filter: Filter) -> ResizeAlg {
    match filter {
        Filter::Nearest => ResizeAlg::Nearest,
        Filter::Bilinear => ResizeAlg::Convolution(FilterType::Bilinear),
        Filter::Bicubic => ResizeAlg::Convolution(FilterType::CatmullRom),
        Filter::Lanczos => ResizeAlg::Convolution(FilterType::Lanczos3),
    }
}

fn resize_skip(error: impl Display) -> Skip {
    Skip::new(Stage::Preprocess, SkipReason::Resize, error)
}
