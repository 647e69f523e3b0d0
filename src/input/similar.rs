//! A photo -> 256 bits that stay nearly the same when it is saved again, scaled or slightly retouched.

use super::Photo;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;
use image_hasher::{HashAlg, Hasher, HasherConfig};

/// Side of the picture that is hashed; the hasher's own way down from a full photo is slow.
const SIDE: u32 = 68;
/// Bits a side.
const BITS: u32 = 16;

/// Makes gradient hashes; owns its scratch memory, so one per worker.
pub struct Fingerprinter {
    resizer: Resizer,
    hasher: Hasher,
}

impl Default for Fingerprinter {
    fn default() -> Self {
        let hasher = HasherConfig::new()
            .hash_size(BITS, BITS)
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
        let pixels = photo.rgb.as_raw();
        let source =
            ImageRef::new(photo.size.width, photo.size.height, pixels, PixelType::U8x3).ok()?;
        let mut small = Image::new(SIDE, SIDE, PixelType::U8x3);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Box));
        self.resizer.resize(&source, &mut small, &options).ok()?;
        let hash = self
            .hasher
            .hash_image(&RgbImage::from_raw(SIDE, SIDE, small.into_vec())?);
        Some(hash.as_bytes().iter().map(|b| format!("{b:02x}")).collect())
    }
}
