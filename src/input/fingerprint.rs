//! A photo -> 256 bits that stay nearly the same when it is saved again, scaled or slightly
//! retouched.

use super::photo::Photo;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use image_hasher::{HashAlg, Hasher, HasherConfig};

/// Side that photos are reduced to first, because the hasher's own reduction is slow.
const REDUCED_SIDE: u32 = 68;
/// Bits per side of the hash.
const HASH_SIDE: u32 = 16;

/// Makes gradient hashes; owns its scratch memory, so one per worker.
pub struct Fingerprinter {
    resizer: Resizer,
    hasher: Hasher,
}

impl Default for Fingerprinter {
    fn default() -> Self {
        let hasher = HasherConfig::new()
            .hash_size(HASH_SIDE, HASH_SIDE)
            .hash_alg(HashAlg::Gradient)
            .to_hasher();
        Self {
            resizer: Resizer::new(),
            hasher,
        }
    }
}

impl Fingerprinter {
    /// 64 hexadecimal digits: whether each of 16 x 16 places is darker than its right neighbour.
    pub fn hash(&mut self, photo: &Photo) -> Option<String> {
        let reduced = self.reduced(photo)?;
        let hash = self.hasher.hash_image(&reduced);
        let mut digits = String::new();
        for byte in hash.as_bytes() {
            digits.push_str(&format!("{byte:02x}"));
        }
        Some(digits)
    }

    fn reduced(&mut self, photo: &Photo) -> Option<RgbImage> {
        let pixels = photo.rgb.as_raw();
        let source =
            ImageRef::new(photo.size.width, photo.size.height, pixels, PixelType::U8x3).ok()?;
        let mut target = Image::new(REDUCED_SIDE, REDUCED_SIDE, PixelType::U8x3);

        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
        self.resizer.resize(&source, &mut target, &options).ok()?;
        RgbImage::from_raw(REDUCED_SIDE, REDUCED_SIDE, target.into_vec())
    }
}
