//! Photos changed on purpose: a patch cut out of one and pasted on another, or a place filled so that nothing is left of it.
//! Everything happens in the pixels of the upright photo, before the training transform.

mod dice;
mod fill;
mod foreign;

use crate::geometry::{Mask, Rect, Shape, Size};
use crate::input::Photo;
use image::imageops::{FilterType, resize};
use image::{GrayImage, Luma, Rgb, RgbImage};

pub use dice::Dice;
pub use fill::imputed;

/// Side of the blocks of a scrambled patch as part of the photo's width: 4 pixels of 224.
const BLOCK: f64 = 4.0 / 224.0;

/// Pixels with a place of their own, as a tag that was cut out of a photo.
#[derive(Debug, Clone)]
pub struct Patch {
    pub rgb: RgbImage,
    /// How much of each pixel counts, 0 to 255.
    pub cover: GrayImage,
    /// Where it belongs, in fractions of a photo.
    pub frame: Rect,
}

impl Patch {
    /// The pixels of a photo under a shape (in pixels of the photo). `None` where the shape has no pixel.
    pub fn cut(photo: &Photo, shape: &Shape) -> Option<Self> {
        let corners: Vec<[f64; 2]> = shape
            .bounds()
            .iter()
            .flat_map(|r| [[r.x0.floor(), r.y0.floor()], [r.x1.ceil(), r.y1.ceil()]])
            .collect();
        let r = Rect::around(&corners).intersect(photo.size.rect())?;
        let (x0, y0, w, h) = (
            r.x0 as u32,
            r.y0 as u32,
            r.width() as u32,
            r.height() as u32,
        );
        let rgb = image::imageops::crop_imm(&photo.rgb, x0, y0, w, h).to_image();
        let cover = GrayImage::from_fn(w, h, |x, y| {
            Luma([cover(
                shape,
                Rect::new(
                    f64::from(x0 + x),
                    f64::from(y0 + y),
                    f64::from(x0 + x + 1),
                    f64::from(y0 + y + 1),
                ),
            )])
        });
        cover.pixels().any(|p| p.0[0] > 0).then(|| Self {
            rgb,
            cover,
            frame: fractions(r, photo.size),
        })
    }

    /// A picture with transparency, cut to what is visible of it; `place` is where it lies, in fractions of a photo.
    pub fn of_picture(picture: &image::RgbaImage, place: Rect, opacity: f64) -> Option<Self> {
        let size = Size::new(picture.width(), picture.height());
        let bounds = Mask::of(size, |i| picture.as_raw()[4 * i + 3] > 0)?.frame;
        let (x0, y0, w, h) = (
            bounds.x0 as u32,
            bounds.y0 as u32,
            bounds.width() as u32,
            bounds.height() as u32,
        );
        let at = |x: u32, y: u32| picture.get_pixel(x0 + x, y0 + y).0;
        let f = fractions(bounds, size);
        let across = |x: f64| place.x0 + x * place.width();
        let down = |y: f64| place.y0 + y * place.height();
        Some(Self {
            rgb: RgbImage::from_fn(w, h, |x, y| Rgb(std::array::from_fn(|c| at(x, y)[c]))),
            cover: GrayImage::from_fn(w, h, |x, y| {
                Luma([(f64::from(at(x, y)[3]) * opacity).round() as u8])
            }),
            frame: Rect::new(across(f.x0), down(f.y0), across(f.x1), down(f.y1)),
        })
    }

    /// The same form at the same place, with the pixels that another photo (or this one) has at `frame`.
    pub fn with_pixels_of(&self, photo: &Photo, frame: Rect) -> Option<Self> {
        let (w, h) = (f64::from(photo.size.width), f64::from(photo.size.height));
        let r = Rect::new(frame.x0 * w, frame.y0 * h, frame.x1 * w, frame.y1 * h)
            .intersect(photo.size.rect())?;
        let [x0, y0] = [r.x0.floor(), r.y0.floor()];
        let (w, h) = (
            ((r.x1.ceil() - x0) as u32).max(1),
            ((r.y1.ceil() - y0) as u32).max(1),
        );
        let part = image::imageops::crop_imm(&photo.rgb, x0 as u32, y0 as u32, w, h).to_image();
        let rgb = resize(
            &part,
            self.rgb.width(),
            self.rgb.height(),
            FilterType::Triangle,
        );
        Some(Self {
            rgb,
            ..self.clone()
        })
    }

    /// The same form with the pixels of another place in the photo that it was cut from, chosen by chance; `None` where
    /// there is no room.
    pub fn elsewhere(&self, photo: &Photo, dice: &mut Dice) -> Option<Self> {
        let (w, h) = (self.frame.width(), self.frame.height());
        let free = |f: &Rect| f.intersect(self.frame).is_none();
        let mut throw = || {
            let (x, y) = (dice.unit() * (1.0 - w), dice.unit() * (1.0 - h));
            Rect::new(x, y, x + w, y + h)
        };
        let frame = (0..64).map(|_| throw()).find(free)?;
        self.with_pixels_of(photo, frame)
    }

    /// Its pixels in small blocks, shuffled: colour and fine texture stay, the form goes.
    pub fn scrambled(&self, dice: &mut Dice) -> Self {
        let width = f64::from(self.rgb.width());
        let side = ((BLOCK * width / self.frame.width()).round() as u32)
            .clamp(1, self.rgb.width().min(self.rgb.height()));
        let (columns, rows) = (self.rgb.width() / side, self.rgb.height() / side);
        let corner = |i: usize| (i as u32 % columns * side, i as u32 / columns * side);
        let mut out = self.clone();
        for (to, from) in dice
            .shuffled((columns * rows) as usize)
            .into_iter()
            .enumerate()
        {
            let ((x1, y1), (x0, y0)) = (corner(to), corner(from));
            for (x, y) in (0..side).flat_map(|y| (0..side).map(move |x| (x, y))) {
                out.rgb
                    .put_pixel(x1 + x, y1 + y, *self.rgb.get_pixel(x0 + x, y0 + y));
                out.cover
                    .put_pixel(x1 + x, y1 + y, *self.cover.get_pixel(x0 + x, y0 + y));
            }
        }
        out
    }

    /// The photo with the patch on it, at its place and scaled with the photo.
    pub fn paste(&self, onto: &Photo) -> Photo {
        let (pw, ph) = (f64::from(onto.size.width), f64::from(onto.size.height));
        let side = |length: f64, max: u32| (length.round() as u32).clamp(1, max);
        let (w, h) = (
            side(self.frame.width() * pw, onto.size.width),
            side(self.frame.height() * ph, onto.size.height),
        );
        let corner = |at: f64, length: f64, side: u32, max: u32| {
            ((at * length).round() as u32).min(max - side)
        };
        let (x0, y0) = (
            corner(self.frame.x0, pw, w, onto.size.width),
            corner(self.frame.y0, ph, h, onto.size.height),
        );
        // Colours weigh by their cover: what is transparent has none to bleed.
        let mut weighed = self.rgb.clone();
        for (pixel, a) in weighed.pixels_mut().zip(self.cover.pixels()) {
            pixel.0 = pixel
                .0
                .map(|v| ((u32::from(v) * u32::from(a.0[0]) + 127) / 255) as u8);
        }
        let rgb = resize(&weighed, w, h, FilterType::Triangle);
        let cover = resize(&self.cover, w, h, FilterType::Triangle);
        let mut out = onto.clone();
        for (x, y, new) in rgb.enumerate_pixels() {
            let a = u32::from(cover.get_pixel(x, y).0[0]);
            let old = out.rgb.get_pixel_mut(x0 + x, y0 + y);
            for c in 0..3 {
                let under = (u32::from(old.0[c]) * (255 - a) + 127) / 255;
                old.0[c] = (u32::from(new.0[c]) + under).min(255) as u8;
            }
        }
        out
    }
}

/// A small picture that tells how near two photos are, 16 x 16 RGB.
pub fn thumb(photo: &Photo) -> Vec<u8> {
    image::imageops::thumbnail(&photo.rgb, 16, 16).into_raw()
}

/// Part of a pixel that a shape covers, 0 to 255.
fn cover(shape: &Shape, pixel: Rect) -> u8 {
    match shape {
        Shape::Rects(rects) => {
            u8::MAX * u8::from(rects.iter().any(|r| pixel.intersect(*r).is_some()))
        }
        Shape::Mask(mask) => mask.at([
            f64::midpoint(pixel.x0, pixel.x1),
            f64::midpoint(pixel.y0, pixel.y1),
        ]),
    }
}

fn fractions(r: Rect, size: Size) -> Rect {
    let (w, h) = (f64::from(size.width), f64::from(size.height));
    Rect::new(r.x0 / w, r.y0 / h, r.x1 / w, r.y1 / h)
}
