//! Brightness and colour, on a picture reduced by a whole factor.

use super::plane::{luma, moments};
use super::values::FileProperties;
use crate::finding::FileProperty;
use image::RgbImage;

/// The reduced picture has at least so many pixels on its longer side, where the photo has.
const SIDE: u32 = 256;
/// Luma below the first is dark, above the second light.
const DARK: f64 = 16.0;
const LIGHT: f64 = 239.0;
/// Part of the pixels of a grey picture whose channels differ by less than [`GREY_SPAN`].
const GREY_PART: f64 = 0.99;
const GREY_SPAN: f64 = 12.0;

pub fn add(properties: &mut FileProperties, rgb: &RgbImage) {
    let pixels = reduced(rgb);
    let lumas: Vec<f64> = pixels.iter().map(|pixel| luma(*pixel)).collect();
    if let Some((mean, variance)) = moments(&lumas) {
        properties.number(FileProperty::LumaMean, Some(mean));
        properties.number(FileProperty::LumaSd, Some(variance.sqrt()));
    }
    let dark = share(&lumas, |luma| luma < DARK);
    properties.number(FileProperty::DarkShare, dark);
    let light = share(&lumas, |luma| luma > LIGHT);
    properties.number(FileProperty::LightShare, light);

    let mut spans: Vec<f64> = pixels.iter().map(|pixel| span(*pixel)).collect();
    properties.number(FileProperty::Saturation, mean(&spans));
    if let Some(most) = quantile(&mut spans, GREY_PART) {
        properties.flag(FileProperty::Grey, most < GREY_SPAN);
    }
    let red: Vec<f64> = pixels.iter().map(|[r, g, _]| r - g).collect();
    properties.number(FileProperty::RedGreen, mean(&red));
    let blue: Vec<f64> = pixels.iter().map(|[_, g, b]| b - g).collect();
    properties.number(FileProperty::BlueGreen, mean(&blue));
}

/// The means of square blocks of pixels; incomplete ones at the right and the bottom are left out.
fn reduced(rgb: &RgbImage) -> Vec<[f64; 3]> {
    let factor = (rgb.width().max(rgb.height()) / SIDE).max(1);
    // A photo that is narrower than a block is not reduced.
    let factor = factor.min(rgb.width()).min(rgb.height());
    let (width, height) = (rgb.width() / factor, rgb.height() / factor);
    let [factor, width, height] = [factor, width, height].map(|side| side as usize);
    let pixels = (factor * factor) as f64;

    let mut means = Vec::with_capacity(width * height);
    let mut sums = vec![[0_u64; 3]; width];
    let row_bytes = 3 * rgb.width() as usize;
    let rows = rgb.as_raw().chunks_exact(row_bytes.max(1));
    for (y, row) in rows.enumerate().take(height * factor) {
        for (sum, block) in sums.iter_mut().zip(row.chunks_exact(3 * factor)) {
            for pixel in block.as_chunks::<3>().0 {
                for (sum, value) in sum.iter_mut().zip(pixel) {
                    *sum += u64::from(*value);
                }
            }
        }
        if (y + 1) % factor == 0 {
            means.extend(sums.iter().map(|sum| sum.map(|sum| sum as f64 / pixels)));
            sums.fill([0; 3]);
        }
    }
    means
}

fn span([r, g, b]: [f64; 3]) -> f64 {
    r.max(g).max(b) - r.min(g).min(b)
}

fn mean(values: &[f64]) -> Option<f64> {
    moments(values).map(|(mean, _)| mean)
}

fn share(values: &[f64], is_counted: impl Fn(f64) -> bool) -> Option<f64> {
    let counted = values.iter().filter(|value| is_counted(**value)).count();
    (!values.is_empty()).then(|| counted as f64 / values.len() as f64)
}

/// The smallest value that at least this part of the values do not exceed.
fn quantile(values: &mut [f64], part: f64) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let place = (part * values.len() as f64).ceil() as usize;
    let index = place.clamp(1, values.len()) - 1;
    let (_, value, _) = values.select_nth_unstable_by(index, f64::total_cmp);
    Some(*value)
}
