//! Properties of a photo's file: what its header states, how its JPEG was written, and simple
//! measurements of its pixels. The formulas are in docs/method.md.

mod border;
mod detail;
mod header;
mod jpeg;
mod name;
mod plane;
mod tone;
mod values;

use super::photo::Photo;
use crate::finding::FileProperty;

pub use border::{Border, border};
pub use values::FileProperties;

impl FileProperties {
    /// Measures the bytes of a file and the photo that was decoded of them, every pixel of it.
    pub fn measure(bytes: &[u8], photo: &Photo) -> Self {
        let mut properties = Self::of_header(bytes);
        properties.add_size(bytes, photo);
        tone::add(&mut properties, &photo.rgb);
        detail::add(&mut properties, &photo.rgb);
        border::add(&mut properties, &photo.rgb);
        properties
    }

    /// What the bytes tell without being decoded.
    pub fn of_header(bytes: &[u8]) -> Self {
        let mut properties = Self::default();
        header::add(&mut properties, bytes);
        jpeg::add(&mut properties, bytes);
        properties
    }

    /// Adds what the name of a file tells: `path` is relative to the root of the set.
    pub fn add_name(&mut self, path: &str, label: &str) {
        self.level(FileProperty::NamePrefix, name::prefix(path));
        self.level(FileProperty::Folder, name::folder(path, label));
    }

    fn add_size(&mut self, bytes: &[u8], photo: &Photo) {
        let width = f64::from(photo.size.width);
        let height = f64::from(photo.size.height);
        self.number(FileProperty::Width, Some(width));
        self.number(FileProperty::Height, Some(height));
        self.number(FileProperty::Aspect, Some(width / height));
        self.number(FileProperty::Megapixels, Some(width * height / 1e6));
        let per_pixel = bytes.len() as f64 / (width * height);
        self.number(FileProperty::BytesPerPixel, Some(per_pixel));
    }
}
