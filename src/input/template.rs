//! Locates a known picture (a tag, a stamp, a watermark) in a photo by zero-mean normalised
//! cross-correlation (Lewis 1995), which does not depend on brightness and contrast: 1 is the
//! picture itself, 0 is unrelated.

use super::photo::Photo;
use crate::geometry::{Rect, Size};
use crate::plan::Template;
use image::imageops::{FilterType, crop_imm, grayscale, resize};
use image::{GrayImage, ImageBuffer, Luma};
use imageproc::integral_image::{integral_image, integral_squared_image, sum_image_pixels};
use imageproc::template_matching::{MatchTemplateMethod, find_extremes, match_template};

/// Sums from the top left corner.
type Sums = ImageBuffer<Luma<u64>, Vec<u64>>;

/// Longest side of the template in the search; a larger one is reduced together with the photo.
const LONG_SIDE_MAX: f64 = 32.0;
/// Its shorter side is not reduced below this, so that a strip of letters keeps its rows.
const SHORT_SIDE_MIN: f64 = 8.0;
/// Smallest side in pixels that can be correlated.
const SIDE_MIN: u32 = 3;

/// The best match in fractions of the photo; `None` below the threshold.
pub fn locate_template(template: &Template, photo: &Photo) -> Option<Rect> {
    let best = best_match(template, photo)?;
    (best.correlation >= template.threshold).then_some(best.place)
}

/// The largest correlation, whatever the threshold; `None` where the template does not fit.
pub fn template_correlation(template: &Template, photo: &Photo) -> Option<f64> {
    best_match(template, photo).map(|best| best.correlation)
}

fn best_match(template: &Template, photo: &Photo) -> Option<Match> {
    let area = SearchArea::new(template, photo)?;
    let scales = template.scales.iter();
    scales
        .filter_map(|&scale| area.best_match(&template.grey, scale))
        .max_by(|a, b| a.correlation.total_cmp(&b.correlation))
}

struct Match {
    correlation: f64,
    /// In fractions of the photo.
    place: Rect,
}

/// The part of a photo that is searched.
struct SearchArea {
    photo_width: f64,
    photo_height: f64,
    left: f64,
    top: f64,
    pixels: GrayImage,
}

impl SearchArea {
    fn new(template: &Template, photo: &Photo) -> Option<Self> {
        let photo_width = f64::from(photo.size.width);
        let photo_height = f64::from(photo.size.height);
        let area = Rect::new(
            template.area.x0 * photo_width,
            template.area.y0 * photo_height,
            template.area.x1 * photo_width,
            template.area.y1 * photo_height,
        );
        let area = area.intersect(photo.size.rect())?;

        let (left, top) = (area.x0.floor(), area.y0.floor());
        let width = (area.x1.ceil() - left) as u32;
        let height = (area.y1.ceil() - top) as u32;
        let pixels = crop_imm(&photo.rgb, left as u32, top as u32, width, height);
        Some(Self {
            photo_width,
            photo_height,
            left,
            top,
            pixels: grayscale(&*pixels),
        })
    }

    /// The best match of a template at `scale` times its size in the photo.
    fn best_match(&self, template: &GrayImage, scale: f64) -> Option<Match> {
        let shrink = shrink(template, scale);
        let pixels = scaled(&self.pixels, shrink);
        let size = scaled_size(template, scale * shrink);
        if size.width.min(size.height) < SIDE_MIN
            || size.width > pixels.width()
            || size.height > pixels.height()
        {
            return None;
        }

        let template = resize(template, size.width, size.height, FilterType::Triangle);
        let extremes = find_extremes(&correlation(&pixels, &template));
        Some(Match {
            correlation: f64::from(extremes.max_value),
            place: self.place(&pixels, extremes.max_value_location, size),
        })
    }

    /// A place in the reduced area `pixels`, in fractions of the photo.
    fn place(&self, pixels: &GrayImage, (x, y): (u32, u32), size: Size) -> Rect {
        let x_scale = f64::from(self.pixels.width()) / f64::from(pixels.width());
        let y_scale = f64::from(self.pixels.height()) / f64::from(pixels.height());
        let left = self.left + f64::from(x) * x_scale;
        let top = self.top + f64::from(y) * y_scale;
        let right = left + f64::from(size.width) * x_scale;
        let bottom = top + f64::from(size.height) * y_scale;
        Rect::new(
            left / self.photo_width,
            top / self.photo_height,
            right / self.photo_width,
            bottom / self.photo_height,
        )
    }
}

/// The reduction of photo and template that bounds the cost of the search; thin templates are
/// reduced less.
fn shrink(template: &GrayImage, scale: f64) -> f64 {
    let (width, height) = template.dimensions();
    let longest = f64::from(width.max(height));
    let shortest = f64::from(width.min(height));
    (LONG_SIDE_MAX / (longest * scale))
        .max(SHORT_SIDE_MIN / (shortest * scale))
        .min(1.0)
}

fn scaled(picture: &GrayImage, scale: f64) -> GrayImage {
    let size = scaled_size(picture, scale);
    resize(picture, size.width, size.height, FilterType::Triangle)
}

fn scaled_size(picture: &GrayImage, scale: f64) -> Size {
    Size::new(
        scaled_side(picture.width(), scale),
        scaled_side(picture.height(), scale),
    )
}

fn scaled_side(side: u32, scale: f64) -> u32 {
    (f64::from(side) * scale).round().max(1.0) as u32
}

/// Zero-mean normalised cross-correlation at every place where the template fits.
fn correlation(photo: &GrayImage, template: &GrayImage) -> ImageBuffer<Luma<f32>, Vec<f32>> {
    let (w, h) = template.dimensions();
    let n = f64::from(w * h);
    let mean = template.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let spread: f64 = template
        .iter()
        .map(|&v| (f64::from(v) - mean).powi(2))
        .sum();

    let mut products = match_template(photo, template, MatchTemplateMethod::CrossCorrelation);
    let sums: Sums = integral_image(photo);
    let squares: Sums = integral_squared_image(photo);
    for (x, y, value) in products.enumerate_pixels_mut() {
        let (right, bottom) = (x + w - 1, y + h - 1);
        let sum = sum_image_pixels(&sums, x, y, right, bottom)[0] as f64;
        let square = sum_image_pixels(&squares, x, y, right, bottom)[0] as f64;
        // The lower bound gives a place without contrast a correlation near 0.
        let scale = (spread * (square - sum * sum / n)).max(n * n).sqrt();
        value.0[0] = ((f64::from(value.0[0]) - mean * sum) / scale) as f32;
    }
    products
}
