//! What the patches of several photos have in common: their median, pixel by pixel, and how far
//! they agree about it.

use super::patch::Patch;
use image::imageops::{FilterType, resize};
use image::{GrayImage, Luma, Rgb, RgbImage};

/// Longest side of the patches that are compared.
const SIDE_MAX: u32 = 256;
/// Shortest side, so that a median has a few pixels.
const SIDE_MIN: u32 = 4;
/// Largest median absolute deviation, in levels of 255, at which photos agree about a pixel.
const DEVIATION_MAX: u8 = 12;

/// Patches of several photos, scaled to one size.
pub struct PatchStack {
    pictures: Vec<RgbImage>,
    covers: Vec<GrayImage>,
}

impl PatchStack {
    /// The size that patches are scaled to: the median of their widths and of their heights.
    pub fn size(patches: &[(u32, u32)]) -> (u32, u32) {
        let widths = patches.iter().map(|(width, _)| *width).collect();
        let heights = patches.iter().map(|(_, height)| *height).collect();
        let (width, height) = (middle(widths).max(1), middle(heights).max(1));

        let longest = width.max(height);
        let scale = f64::from(longest.min(SIDE_MAX)) / f64::from(longest);
        let scaled = |side: u32| ((f64::from(side) * scale).round() as u32).max(SIDE_MIN);
        (scaled(width), scaled(height))
    }

    pub fn new(patches: &[Patch], (width, height): (u32, u32)) -> Self {
        let (mut pictures, mut covers) = (Vec::new(), Vec::new());
        for patch in patches {
            pictures.push(resize(&patch.rgb, width, height, FilterType::Triangle));
            covers.push(resize(&patch.cover, width, height, FilterType::Triangle));
        }
        Self { pictures, covers }
    }

    /// The median of the patches, to be pasted at the place of `patch`; `None` without patches.
    pub fn median_at(&self, patch: &Patch) -> Option<Patch> {
        Some(Patch {
            rgb: self.median()?,
            cover: self.median_cover()?,
            frame: patch.frame,
        })
    }

    /// The median of every channel of every pixel.
    pub fn median(&self) -> Option<RgbImage> {
        let (width, height) = self.pictures.first()?.dimensions();
        Some(RgbImage::from_fn(width, height, |x, y| {
            Rgb(std::array::from_fn(|channel| {
                let values = self.pictures.iter().map(|p| p.get_pixel(x, y).0[channel]);
                middle(values.collect())
            }))
        }))
    }

    fn median_cover(&self) -> Option<GrayImage> {
        let (width, height) = self.covers.first()?.dimensions();
        Some(GrayImage::from_fn(width, height, |x, y| {
            let values = self.covers.iter().map(|cover| cover.get_pixel(x, y).0[0]);
            Luma([middle(values.collect())])
        }))
    }

    /// The part of the covered pixels that the photos agree about: the median absolute deviation
    /// from the median is at most 12 of 255 in every channel.
    pub fn agreement(&self) -> Option<f64> {
        let (median, cover) = (self.median()?, self.median_cover()?);

        let (mut covered, mut agreed) = (0_u32, 0_u32);
        for (x, y, middle_pixel) in median.enumerate_pixels() {
            if cover.get_pixel(x, y).0[0] == 0 {
                continue;
            }
            covered += 1;
            let deviates = (0..3).any(|channel| {
                let centre = middle_pixel.0[channel];
                let values = self.pictures.iter().map(|p| p.get_pixel(x, y).0[channel]);
                middle(values.map(|value| value.abs_diff(centre)).collect()) > DEVIATION_MAX
            });
            agreed += u32::from(!deviates);
        }
        (covered > 0).then(|| f64::from(agreed) / f64::from(covered))
    }
}

/// The middle value, the lower one of two.
fn middle<T: Ord + Copy + Default>(mut values: Vec<T>) -> T {
    let at = values.len().saturating_sub(1) / 2;
    if values.is_empty() {
        return T::default();
    }
    *values.select_nth_unstable(at).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;

    fn patch(colour: impl Fn(u32, u32) -> [u8; 3]) -> Patch {
        Patch {
            rgb: RgbImage::from_fn(8, 4, |x, y| Rgb(colour(x, y))),
            cover: GrayImage::from_pixel(8, 4, Luma([255])),
            frame: Rect::new(0.0, 0.0, 0.5, 0.5),
        }
    }

    /// NumPy: `np.median(stack, 0)`, and `np.median(np.abs(stack - median), 0).max(-1) <= 12`.
    #[test]
    fn photos_agree_where_the_median_absolute_deviation_is_small() {
        // The left half is the same in all photos but one, the right half differs by 20 levels.
        let patches: Vec<Patch> = (0..5_u8)
            .map(|i| {
                patch(move |x, _| match (x < 4, i) {
                    (true, 0) => [200, 0, 0],
                    (true, _) => [10, 20, 30],
                    (false, _) => [20 * i, 100, 100],
                })
            })
            .collect();
        let size = PatchStack::size(&[(8, 4); 5]);
        assert_eq!(size, (8, 4));

        let stack = PatchStack::new(&patches, size);
        let median = stack.median().unwrap_or_default();
        assert_eq!(median.get_pixel(0, 0).0, [10, 20, 30]);
        assert_eq!(median.get_pixel(7, 3).0, [40, 100, 100]);
        assert_eq!(stack.agreement(), Some(0.5));
    }

    #[test]
    fn large_patches_are_compared_at_a_bounded_size() {
        assert_eq!(PatchStack::size(&[(4000, 1000); 3]), (256, 64));
        assert_eq!(PatchStack::size(&[(2, 2)]), (4, 4));
    }
}
