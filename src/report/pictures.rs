//! Pictures of a report as JPEG files.

use crate::error::{Error, Result};
use crate::runs::documents::{Figure, Panel};
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

/// Quality of the pictures in a report.
const QUALITY: u8 = 82;

/// The picture as JPEG.
///
/// # Errors
/// When it cannot be encoded.
pub fn jpeg(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY)
        .encode_image(picture)
        .map_err(Error::cause("encode a picture of the report"))?;
    Ok(jpeg)
}

/// A picture of a figure, not named yet.
///
/// # Errors
/// When it cannot be encoded.
pub fn panel(caption: String, picture: &RgbImage) -> Result<Panel> {
    Ok(Panel {
        caption,
        jpeg: jpeg(picture)?,
        ..Panel::default()
    })
}

/// Names the files of all panels in order: `pictures/00000.jpg` and so on.
pub fn name_files(figures: &mut [Figure]) {
    let panels = figures.iter_mut().flat_map(|figure| &mut figure.panels);
    for (i, panel) in panels.enumerate() {
        panel.file = format!("pictures/{i:05}.jpg");
    }
}

/// Whether a panel's file is a picture of the run folder itself, and of no other folder.
///
/// A run folder may come from elsewhere; its report must not pull in files of this computer.
pub fn is_own_picture(file: &str) -> bool {
    let name = file.strip_prefix("pictures/");
    name.is_some_and(|name| name.ends_with(".jpg") && !name.contains(['/', '\\']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_of_the_folder_are_its_own() {
        assert!(is_own_picture("pictures/00000.jpg"));
        for file in [
            "/etc/passwd",
            "pictures/../../x.jpg",
            "pictures/a\\b.jpg",
            "pictures/x.png",
            "x.jpg",
        ] {
            assert!(!is_own_picture(file), "{file}");
        }
    }
}
