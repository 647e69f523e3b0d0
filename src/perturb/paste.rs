//! Pasting a patch on a photo.

use super::patch::Patch;
use crate::input::Photo;
use image::imageops::{FilterType, resize};
use image::{GrayImage, RgbImage};

impl Patch {
    /// The photo with the patch on it, at its place and scaled with the photo.
    pub fn paste(&self, onto: &Photo) -> Photo {
        let (x0, width) = pixels(self.frame.x0, self.frame.width(), onto.size.width);
        let (y0, height) = pixels(self.frame.y0, self.frame.height(), onto.size.height);
        let weighted = weighted(&self.rgb, &self.cover);
        let rgb = resize(&weighted, width, height, FilterType::Triangle);
        let cover = resize(&self.cover, width, height, FilterType::Triangle);

        let mut photo = onto.clone();
        for (x, y, new) in rgb.enumerate_pixels() {
            let alpha = u32::from(cover.get_pixel(x, y).0[0]);
            let old = photo.rgb.get_pixel_mut(x0 + x, y0 + y);
            for channel in 0..3 {
                let below = (u32::from(old.0[channel]) * (255 - alpha) + 127) / 255;
                old.0[channel] = (u32::from(new.0[channel]) + below).min(255) as u8;
            }
        }
        photo
    }
}

/// A range in fractions as its first pixel and its length, at least 1, on a side of `max` pixels.
fn pixels(start: f64, length: f64, max: u32) -> (u32, u32) {
    let side = f64::from(max);
    let length = ((length * side).round() as u32).clamp(1, max);
    let start = ((start * side).round() as u32).min(max - length);
    (start, length)
}

/// Colours multiplied by their opacity, so that resizing does not mix in transparent pixels.
fn weighted(rgb: &RgbImage, cover: &GrayImage) -> RgbImage {
    let mut weighted = rgb.clone();
    for (pixel, alpha) in weighted.pixels_mut().zip(cover.pixels()) {
        let alpha = u32::from(alpha.0[0]);
        for value in &mut pixel.0 {
            *value = ((u32::from(*value) * alpha + 127) / 255) as u8;
        }
    }
    weighted
}
