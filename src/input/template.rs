//! Is a known picture (a tag, a stamp, a watermark) in a photo, and where? By zero-mean normalised cross-correlation (Lewis
//! 1995), so that neither brightness nor contrast decides: 1 is the picture itself, 0 what has nothing to do with it.

use super::Photo;
use crate::geometry::{Rect, Size};
use crate::plan::Template;
use image::imageops::{FilterType, crop_imm, grayscale, resize};
use image::{GrayImage, ImageBuffer, Luma};
use imageproc::integral_image::{integral_image, integral_squared_image, sum_image_pixels};
use imageproc::template_matching::{MatchTemplateMethod, find_extremes, match_template};

/// Sums from the top left corner.
type Sums = ImageBuffer<Luma<u64>, Vec<u64>>;

/// Longest side of the picture when it is looked for; larger ones are scaled down together with the photo.
const SIDE_MAX: f64 = 32.0;
/// Its shorter side is not made smaller than this, so that a strip of letters keeps its rows.
const SIDE_MIN: f64 = 8.0;

/// The place of the best match in fractions of the photo; `None` below the threshold.
pub fn find(template: &Template, photo: &Photo) -> Option<Rect> {
    let (pw, ph) = (f64::from(photo.size.width), f64::from(photo.size.height));
    let area = Rect::new(
        template.area.x0 * pw,
        template.area.y0 * ph,
        template.area.x1 * pw,
        template.area.y1 * ph,
    );
    let area = area.intersect(photo.size.rect())?;
    let (x0, y0) = (area.x0.floor(), area.y0.floor());
    let (w, h) = ((area.x1.ceil() - x0) as u32, (area.y1.ceil() - y0) as u32);
    let part = grayscale(&*crop_imm(&photo.rgb, x0 as u32, y0 as u32, w, h));
    let longest = f64::from(template.grey.width().max(template.grey.height()));
    let shortest = f64::from(template.grey.width().min(template.grey.height()));
    let best = template.scales.iter().filter_map(|&scale| {
        // The photo's part is made smaller by this, the picture is `scale` times its size on the photo; thin ones less.
        let shrink = (SIDE_MAX / (longest * scale))
            .max(SIDE_MIN / (shortest * scale))
            .min(1.0);
        let to = |side: u32, by: f64| (f64::from(side) * by).round().max(1.0) as u32;
        let here = resize(&part, to(w, shrink), to(h, shrink), FilterType::Triangle);
        let by = scale * shrink;
        let size = Size::new(
            to(template.grey.width(), by),
            to(template.grey.height(), by),
        );
        if size.width.min(size.height) < 3
            || size.width > here.width()
            || size.height > here.height()
        {
            return None;
        }
        let wanted = resize(
            &template.grey,
            size.width,
            size.height,
            FilterType::Triangle,
        );
        let extremes = find_extremes(&correlation(&here, &wanted));
        let (x, y) = extremes.max_value_location;
        let (sx, sy) = (
            f64::from(w) / f64::from(here.width()),
            f64::from(h) / f64::from(here.height()),
        );
        let (left, top) = (x0 + f64::from(x) * sx, y0 + f64::from(y) * sy);
        let (right, bottom) = (
            left + f64::from(size.width) * sx,
            top + f64::from(size.height) * sy,
        );
        Some((
            f64::from(extremes.max_value),
            Rect::new(left / pw, top / ph, right / pw, bottom / ph),
        ))
    });
    let (score, place) = best.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (score >= template.threshold).then_some(place)
}

/// Zero-mean normalised cross-correlation at every place where the picture fits.
fn correlation(photo: &GrayImage, picture: &GrayImage) -> ImageBuffer<Luma<f32>, Vec<f32>> {
    let (w, h) = picture.dimensions();
    let n = f64::from(w * h);
    let mean = picture.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let spread = picture
        .iter()
        .map(|&v| (f64::from(v) - mean).powi(2))
        .sum::<f64>();
    let mut products = match_template(photo, picture, MatchTemplateMethod::CrossCorrelation);
    let sums: Sums = integral_image(photo);
    let squares: Sums = integral_squared_image(photo);
    for (x, y, value) in products.enumerate_pixels_mut() {
        let window = |of: &Sums| sum_image_pixels(of, x, y, x + w - 1, y + h - 1)[0] as f64;
        let (sum, square) = (window(&sums), window(&squares));
        // A flat place is like nothing.
        let scale = (spread * (square - sum * sum / n)).max(n * n).sqrt();
        value.0[0] = ((f64::from(value.0[0]) - mean * sum) / scale) as f32;
    }
    products
}
