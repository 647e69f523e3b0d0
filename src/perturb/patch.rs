//! Pixels cut out of a photo, with the place that they come from.

use super::rng::SeededRng;
use crate::geometry::{Mask, Rect, Shape, Size};
use crate::input::Photo;
use image::imageops::{FilterType, crop_imm, resize};
use image::{GrayImage, Luma, Rgb, RgbImage, RgbaImage};

/// Side of the blocks of a scrambled patch as a fraction of the photo's width: 4 pixels of 224.
const BLOCK: f64 = 4.0 / 224.0;
/// Random places to try before a photo counts as too full.
const TRIES_MAX: usize = 64;

/// Pixels with a place on a photo, such as a tag that was cut out of one.
#[derive(Debug, Clone)]
pub struct Patch {
    pub rgb: RgbImage,
    /// Opacity of each pixel, 0 to 255.
    pub cover: GrayImage,
    /// The place, in fractions of a photo.
    pub frame: Rect,
}

impl Patch {
    /// The pixels of a photo under a shape (in pixels of the photo); `None` if there are none.
    pub fn cut(photo: &Photo, shape: &Shape) -> Option<Self> {
        let corners: Vec<[f64; 2]> = shape
            .bounds()
            .iter()
            .flat_map(|r| [[r.x0.floor(), r.y0.floor()], [r.x1.ceil(), r.y1.ceil()]])
            .collect();
        let bounds = Rect::around(&corners).intersect(photo.size.rect())?;
        let [x0, y0, width, height] = whole_pixels(bounds);

        let mut cover = GrayImage::new(width, height);
        for (x, y, pixel) in cover.enumerate_pixels_mut() {
            let square = Rect::new(
                f64::from(x0 + x),
                f64::from(y0 + y),
                f64::from(x0 + x + 1),
                f64::from(y0 + y + 1),
            );
            *pixel = Luma([coverage(shape, square)]);
        }
        if cover.pixels().all(|pixel| pixel.0[0] == 0) {
            return None;
        }

        Some(Self {
            rgb: crop_imm(&photo.rgb, x0, y0, width, height).to_image(),
            cover,
            frame: fractions(bounds, photo.size),
        })
    }

    /// The visible part of a picture with transparency; `None` if it has none.
    ///
    /// `place` is where the whole picture lies, in fractions of a photo.
    pub fn from_picture(picture: &RgbaImage, place: Rect, opacity: f64) -> Option<Self> {
        let size = Size::new(picture.width(), picture.height());
        let bounds = Mask::of(size, |i| picture.as_raw()[4 * i + 3] > 0)?.frame;
        let [x0, y0, width, height] = whole_pixels(bounds);

        let mut rgb = RgbImage::new(width, height);
        let mut cover = GrayImage::new(width, height);
        let visible = crop_imm(picture, x0, y0, width, height).to_image();
        for (x, y, pixel) in visible.enumerate_pixels() {
            let [red, green, blue, alpha] = pixel.0;
            rgb.put_pixel(x, y, Rgb([red, green, blue]));
            let alpha = (f64::from(alpha) * opacity).round() as u8;
            cover.put_pixel(x, y, Luma([alpha]));
        }

        let part = fractions(bounds, size);
        let frame = Rect::new(
            place.x0 + part.x0 * place.width(),
            place.y0 + part.y0 * place.height(),
            place.x0 + part.x1 * place.width(),
            place.y0 + part.y1 * place.height(),
        );
        Some(Self { rgb, cover, frame })
    }

    /// The same form at the same place, with the pixels that a photo has at `frame`.
    pub fn with_pixels_of(&self, photo: &Photo, frame: Rect) -> Option<Self> {
        let width = f64::from(photo.size.width);
        let height = f64::from(photo.size.height);
        let source = Rect::new(
            frame.x0 * width,
            frame.y0 * height,
            frame.x1 * width,
            frame.y1 * height,
        );
        let source = source.intersect(photo.size.rect())?;

        let x0 = source.x0.floor();
        let y0 = source.y0.floor();
        let columns = ((source.x1.ceil() - x0) as u32).max(1);
        let rows = ((source.y1.ceil() - y0) as u32).max(1);
        let pixels = crop_imm(&photo.rgb, x0 as u32, y0 as u32, columns, rows).to_image();

        let (width, height) = self.rgb.dimensions();
        Some(Self {
            rgb: resize(&pixels, width, height, FilterType::Triangle),
            cover: self.cover.clone(),
            frame: self.frame,
        })
    }

    /// The same form with the pixels of a random other place in the photo that it was cut from, off
    /// the objects (in pixels of the photo): a patch that shows the class is no control. `None` if
    /// no free place is found.
    pub fn from_other_place(
        &self,
        photo: &Photo,
        objects: &[Rect],
        rng: &mut SeededRng,
    ) -> Option<Self> {
        let width = self.frame.width();
        let height = self.frame.height();
        let mut occupied = vec![self.frame];
        occupied.extend(objects.iter().map(|rect| fractions(*rect, photo.size)));

        for _ in 0..TRIES_MAX {
            let x = rng.unit() * (1.0 - width);
            let y = rng.unit() * (1.0 - height);
            let frame = Rect::new(x, y, x + width, y + height);
            if occupied.iter().all(|rect| frame.intersect(*rect).is_none()) {
                return self.with_pixels_of(photo, frame);
            }
        }
        None
    }

    /// The four places beside its own, as large as it: left, right, above, below. `None` where the
    /// place does not fit into the photo.
    pub fn neighbours(&self, photo: &Photo) -> [Option<Self>; 4] {
        let (width, height) = (self.frame.width(), self.frame.height());
        [(-width, 0.0), (width, 0.0), (0.0, -height), (0.0, height)].map(|(dx, dy)| {
            let Rect { x0, y0, x1, y1 } = self.frame;
            let frame = Rect::new(x0 + dx, y0 + dy, x1 + dx, y1 + dy);
            let fits = frame.x0 >= 0.0 && frame.y0 >= 0.0 && frame.x1 <= 1.0 && frame.y1 <= 1.0;
            let place = fits.then(|| self.with_pixels_of(photo, frame));
            place.flatten()
        })
    }

    /// Its pixels in small blocks, shuffled: colour and fine texture remain, the form does not.
    pub fn scrambled(&self, rng: &mut SeededRng) -> Self {
        self.scrambled_in_blocks(BLOCK, rng)
    }

    /// The same with blocks whose side is this fraction of the photo's width.
    pub fn scrambled_in_blocks(&self, block: f64, rng: &mut SeededRng) -> Self {
        let (width, height) = self.rgb.dimensions();
        let side = (block * f64::from(width) / self.frame.width()).round() as u32;
        let side = side.clamp(1, width.min(height));
        let columns = width / side;
        let rows = height / side;

        let mut scrambled = self.clone();
        let order = rng.shuffled((columns * rows) as usize);
        for (to, from) in order.into_iter().enumerate() {
            let to = block_corner(to, columns, side);
            let from = block_corner(from, columns, side);
            for dy in 0..side {
                for dx in 0..side {
                    let rgb = *self.rgb.get_pixel(from.0 + dx, from.1 + dy);
                    let cover = *self.cover.get_pixel(from.0 + dx, from.1 + dy);
                    scrambled.rgb.put_pixel(to.0 + dx, to.1 + dy, rgb);
                    scrambled.cover.put_pixel(to.0 + dx, to.1 + dy, cover);
                }
            }
        }
        scrambled
    }
}

/// The upper left pixel of the `i`-th block, counted row by row.
fn block_corner(i: usize, columns: u32, side: u32) -> (u32, u32) {
    let i = i as u32;
    (i % columns * side, i / columns * side)
}

/// A small picture to measure how similar two photos are, 16 x 16 RGB.
pub fn thumbnail(photo: &Photo) -> Vec<u8> {
    image::imageops::thumbnail(&photo.rgb, 16, 16).into_raw()
}

/// How much of a pixel a shape covers, 0 to 255.
fn coverage(shape: &Shape, pixel: Rect) -> u8 {
    match shape {
        Shape::Rects(rects) => {
            let touches = rects.iter().any(|rect| pixel.intersect(*rect).is_some());
            if touches { u8::MAX } else { 0 }
        }
        Shape::Mask(mask) => {
            let x = f64::midpoint(pixel.x0, pixel.x1);
            let y = f64::midpoint(pixel.y0, pixel.y1);
            mask.at([x, y])
        }
    }
}

/// Left, top, width and height of a rectangle with whole-numbered edges.
fn whole_pixels(rect: Rect) -> [u32; 4] {
    [rect.x0, rect.y0, rect.width(), rect.height()].map(|length| length as u32)
}

/// A rectangle in pixels as fractions of a photo.
fn fractions(rect: Rect, photo: Size) -> Rect {
    let width = f64::from(photo.width);
    let height = f64::from(photo.height);
    Rect::new(
        rect.x0 / width,
        rect.y0 / height,
        rect.x1 / width,
        rect.y1 / height,
    )
}
