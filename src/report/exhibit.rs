//! The pictures of a finding: chosen by rule or by chance, never by hand.

use crate::error::{Error, Result};
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use serde::{Deserialize, Serialize};

/// Quality of the pictures in a report.
const QUALITY: u8 = 82;

/// One image, or one change of an image, that speaks for or against a finding.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Exhibit {
    pub label: String,
    pub region: String,
    /// Why this image is shown: `template` and `mean` (no single image), `strongest`, `median`, `random`, `untagged`, `pasted`, `laid`, `filled`.
    pub role: String,
    /// Path relative to the dataset's root; empty where it is no image of it.
    pub path: String,
    pub panels: Vec<Panel>,
}

/// One picture with a line under it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Panel {
    pub caption: String,
    /// Relative to the run folder.
    pub file: String,
    #[serde(skip)]
    pub jpeg: Vec<u8>,
}

impl Panel {
    /// # Errors
    /// When the picture cannot be encoded.
    pub fn new(caption: String, picture: &RgbImage) -> Result<Self> {
        let mut jpeg = Vec::new();
        let encoded = JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(picture);
        encoded
            .map_err(|e| Error::new(format!("failed to encode a picture of the report: {e}")))?;
        Ok(Self {
            caption,
            file: String::new(),
            jpeg,
        })
    }
}

/// Names the files, `pictures/00000.jpg` and so on.
pub fn number(exhibits: &mut [Exhibit]) {
    let panels = exhibits.iter_mut().flat_map(|e| &mut e.panels);
    panels
        .enumerate()
        .for_each(|(i, panel)| panel.file = format!("pictures/{i:05}.jpg"));
}
