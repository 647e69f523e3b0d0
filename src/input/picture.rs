//! Pixel work on interleaved 8-bit pictures.

use super::transform::{BLACK, Edit, Window};
use crate::error::{Skip, SkipReason, Stage};
use crate::geometry::Size;
use crate::plan::Filter;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use std::borrow::Cow;
use std::fmt::Display;
use std::ops::Range;

/// An interleaved 8-bit picture with 1 or 3 channels.
#[derive(Clone)]
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
            Edit::Resize(size, filter) => {
                let whole = Window {
                    left: 0,
                    top: 0,
                    size,
                    fill: BLACK,
                };
                self.resized(size, filter, whole, resizer)
            }
            Edit::ResizePart(size, filter, window) => self.resized(size, filter, window, resizer),
            Edit::Window(window) => Ok(self.windowed(window)),
        }
    }

    /// What of the picture resized to `size` lies in a window inside it. Resizes rows first, then
    /// columns, each rounded to 8 bits as in Pillow; computes only the pixels that are needed.
    fn resized(
        &self,
        size: Size,
        filter: Filter,
        window: Window,
        resizer: &mut Resizer,
    ) -> Result<Picture<'static>, Skip> {
        let Some(reach) = reach(filter) else {
            return Ok(self.nearest(size, resizer)?.windowed(window));
        };

        let scale_y = f64::from(self.size.height) / f64::from(size.height);
        let rows = needed(
            window.top,
            window.size.height,
            scale_y,
            reach,
            self.size.height,
        );
        let columns = span(window.left, window.size.width, size.width, self.size.width);
        let row = self.size.width as usize * self.channels;
        let bytes = &self.bytes[rows.start as usize * row..rows.end as usize * row];
        let band = Size::new(self.size.width, rows.end - rows.start);
        let band = Picture {
            size: band,
            channels: self.channels,
            bytes: bytes.into(),
        };
        let part = (columns, 0.0..f64::from(band.size.height));
        let wide = Size::new(window.size.width, band.size.height);
        let wide = band.part_resized(part, wide, filter, resizer)?;

        let columns = 0.0..f64::from(window.size.width);
        let edges = span(
            window.top,
            window.size.height,
            size.height,
            self.size.height,
        );
        let first = f64::from(rows.start);
        let part = (columns, edges.start - first..edges.end - first);
        wide.part_resized(part, window.size, filter, resizer)
    }

    fn nearest(&self, size: Size, resizer: &mut Resizer) -> Result<Picture<'static>, Skip> {
        let Size { width, height } = self.size;
        let whole = (0.0..f64::from(width), 0.0..f64::from(height));
        self.part_resized(whole, size, Filter::Nearest, resizer)
    }

    /// Resizes a part of the picture, given by its edges in pixels, to `size`.
    fn part_resized(
        &self,
        (columns, rows): (Range<f64>, Range<f64>),
        size: Size,
        filter: Filter,
        resizer: &mut Resizer,
    ) -> Result<Picture<'static>, Skip> {
        let pixel = if self.channels == 1 {
            PixelType::U8
        } else {
            PixelType::U8x3
        };
        let Size { width, height } = self.size;
        let source = ImageRef::new(width, height, &self.bytes, pixel).map_err(resize_skip)?;
        let mut target = Image::new(size.width, size.height, pixel);

        // Rounding must not move an edge out of the picture, which the resizer refuses.
        let width = (columns.end - columns.start).min(f64::from(width) - columns.start);
        let height = (rows.end - rows.start).min(f64::from(height) - rows.start);
        let options = ResizeOptions::new()
            .resize_alg(algorithm(filter))
            .crop(columns.start, rows.start, width, height)
            .use_alpha(false);
        resizer
            .resize(&source, &mut target, &options)
            .map_err(resize_skip)?;
        Ok(Picture {
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

/// Edges in the source of a part of the target, along one side.
fn span(offset: i64, part: u32, target: u32, source: u32) -> Range<f64> {
    let edge = |at: f64| at * f64::from(source) / f64::from(target);
    edge(offset as f64)..edge(offset as f64 + f64::from(part))
}

/// Rows of the source that a part of the target is computed from.
fn needed(offset: i64, part: u32, scale: f64, reach: f64, source: u32) -> Range<u32> {
    // One row more on each side than the filter reaches, against rounding.
    let margin = reach * scale.max(1.0) + 1.0;
    let start = (offset as f64 * scale - margin).floor().max(0.0);
    let end = ((offset as f64 + f64::from(part)) * scale + margin).ceil();
    start as u32..end.min(f64::from(source)) as u32
}

/// How far a filter reaches, in pixels of the target where it reduces; `None` where it takes the
/// nearest pixel.
fn reach(filter: Filter) -> Option<f64> {
    match filter {
        Filter::Nearest => None,
        Filter::Bilinear => Some(1.0),
        Filter::Bicubic => Some(2.0),
        Filter::Lanczos => Some(3.0),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A part resized alone is the crop of the whole, for all filters, up and down, odd sizes and
    /// windows at every edge. The resizer rounds its weights to a precision that depends on the
    /// largest of them, so that few values differ by a level or two.
    #[test]
    fn a_part_resized_is_the_part_of_the_resized() {
        let sizes = [
            (97, 61),
            (61, 97),
            (500, 375),
            (64, 64),
            (333, 500),
            (30, 200),
        ];
        let targets = [
            (64, 41),
            (120, 75),
            (341, 256),
            (256, 384),
            (64, 64),
            (17, 23),
        ];
        let filters = [
            Filter::Nearest,
            Filter::Bilinear,
            Filter::Bicubic,
            Filter::Lanczos,
        ];
        let mut resizer = Resizer::new();
        for (width, height) in sizes {
            let noise = noise(Size::new(width, height));
            for (to_width, to_height) in targets {
                let to = Size::new(to_width, to_height);
                for filter in filters {
                    let whole = noise.clone().edited(Edit::Resize(to, filter), &mut resizer);
                    let whole = whole.unwrap();
                    for window in windows(to) {
                        let part = Edit::ResizePart(to, filter, window);
                        let part = noise.clone().edited(part, &mut resizer).unwrap();
                        let cut = whole.windowed(window);
                        assert_eq!(part.size, window.size);
                        let case = format!("{width}x{height} {to} {filter:?}");
                        assert_close(&part.bytes, &cut.bytes, &case);
                    }
                }
            }
        }
    }

    fn assert_close(part: &[u8], cut: &[u8], case: &str) {
        let differ = part.iter().zip(cut).filter(|(a, b)| a != b).count();
        let far = part.iter().zip(cut).any(|(a, b)| a.abs_diff(*b) > 2);
        assert!(
            !far && differ * 10 <= cut.len(),
            "{case}: {differ} of {}",
            cut.len()
        );
    }

    fn noise(size: Size) -> Picture<'static> {
        let numbers = size.width * size.height * 3;
        let bytes = (0..numbers).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8);
        Picture {
            size,
            channels: 3,
            bytes: bytes.collect::<Vec<_>>().into(),
        }
    }

    /// The whole, the middle, and each corner.
    fn windows(size: Size) -> Vec<Window> {
        let part = Size::new(size.width * 2 / 3, size.height / 2);
        let (right, bottom) = (size.width - part.width, size.height - part.height);
        let middle = (right / 2, bottom / 2, part);
        let mut places = vec![(0, 0, size), middle];
        for (left, top) in [(0, 0), (right, 0), (0, bottom), (right, bottom)] {
            places.push((left, top, part));
        }
        let window = |(left, top, size): (u32, u32, Size)| Window {
            left: left.into(),
            top: top.into(),
            size,
            fill: BLACK,
        };
        places.into_iter().map(window).collect()
    }
}
