//! Whole photos changed as their files could have been: written at another quality, without colour,
//! darker, with a border.

use super::rng::SeededRng;
use crate::error::{Skip, SkipReason, Stage};
use crate::finding::FileProperty;
use crate::geometry::Size;
use crate::input::{Border, FileProperties, Photo, decode};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use image::{Rgb, RgbImage};

/// Smallest side of a photo that is resized.
const SIDE_MIN: u32 = 6;
/// Weights of luma.
const LUMA: [f64; 3] = [0.299, 0.587, 0.114];

/// A photo that is changed, and how its file was written.
#[derive(Clone)]
pub struct HostFile {
    pub photo: Photo,
    /// Quality of a JPEG; other files are written without loss.
    pub quality: Option<u8>,
}

/// A changed photo as it is read again, with the bytes of its file where that is a JPEG.
pub struct WrittenFile {
    pub photo: Photo,
    pub jpeg: Vec<u8>,
}

/// What is done to a photo before it is written as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FileChange {
    /// Nothing.
    Same,
    /// It is written as a JPEG of this quality.
    Quality(u8),
    /// It is written so, and then as it was.
    HiddenQuality(u8),
    /// The distance of every pixel from its grey level is multiplied.
    Colour(f64),
    /// Every channel becomes `gain * x + offset`.
    Levels {
        gain: f64,
        offset: f64,
    },
    /// Red and blue are multiplied.
    Gains {
        red: f64,
        blue: f64,
    },
    /// Each side is divided by this, and resized back.
    Blur(f64),
    /// A border of one colour is laid over the photo.
    Border(Border),
    Resize(Size),
    /// Noise of this standard deviation, the same in all channels.
    Noise(f64),
}

impl HostFile {
    /// A photo that was decoded of these bytes.
    pub fn new(bytes: &[u8], photo: Photo) -> Self {
        let header = FileProperties::of_header(bytes);
        let quality = header.of_number(FileProperty::JpegQuality);
        let quality = quality.map(|quality| quality as u8);
        Self { photo, quality }
    }

    /// The photo after a change; `rng` decides about noise only.
    ///
    /// # Errors
    /// A skip where it cannot be written as a JPEG, or read again.
    pub fn changed(&self, change: &FileChange, rng: &mut SeededRng) -> Result<WrittenFile, Skip> {
        if let FileChange::Quality(quality) = change {
            return written(&self.photo, Some(*quality));
        }
        if let FileChange::HiddenQuality(quality) = change {
            let low = written(&self.photo, Some(*quality))?;
            return written(&low.photo, self.quality);
        }
        let rgb = edited(&self.photo.rgb, change, rng);
        let photo = Photo {
            original: Size::new(rgb.width(), rgb.height()),
            size: Size::new(rgb.width(), rgb.height()),
            rgb,
            ..self.photo
        };
        written(&photo, self.quality)
    }
}

impl WrittenFile {
    /// The properties of the changed file; those of its header only where it is a JPEG.
    pub fn properties(&self) -> FileProperties {
        FileProperties::measure(&self.jpeg, &self.photo)
    }
}

impl FileChange {
    /// What is done, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Same => "written again".to_owned(),
            Self::Quality(quality) => format!("written as JPEG of quality {quality}"),
            Self::HiddenQuality(quality) => {
                format!("written as JPEG of quality {quality}, then as they were")
            }
            Self::Colour(0.0) => "without colour".to_owned(),
            Self::Colour(factor) => format!("colour multiplied by {factor:.1}"),
            Self::Levels { gain, offset } => {
                format!("levels multiplied by {gain:.2}, {offset:+.0}")
            }
            Self::Gains { red, blue } => {
                format!("red multiplied by {red:.2}, blue by {blue:.2}")
            }
            Self::Blur(factor) => format!("resized to 1 / {factor} and back"),
            Self::Border(_) => "with the borders of photos of the class".to_owned(),
            Self::Resize(size) => format!("resized to {size}"),
            Self::Noise(deviation) => format!("with noise of SD {deviation}"),
        }
    }
}

/// Writes a photo as a JPEG and reads it again; without a quality nothing is lost.
fn written(photo: &Photo, quality: Option<u8>) -> Result<WrittenFile, Skip> {
    let Some(quality) = quality else {
        return Ok(WrittenFile {
            photo: photo.clone(),
            jpeg: Vec::new(),
        });
    };
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, quality.clamp(1, 100));
    photo.rgb.write_with_encoder(encoder).map_err(|e| {
        let message = format!("cannot be written as a JPEG: {e}");
        Skip::new(Stage::Preprocess, SkipReason::Unsupported, message)
    })?;
    let read = decode(&jpeg)?;
    let photo = Photo {
        rgb: read.rgb,
        ..*photo
    };
    Ok(WrittenFile { photo, jpeg })
}

/// The pixels after a change that is none of how the file is written.
fn edited(rgb: &RgbImage, change: &FileChange, rng: &mut SeededRng) -> RgbImage {
    match *change {
        FileChange::Colour(factor) => mapped(rgb, |pixel| {
            let grey = LUMA[0] * pixel[0] + LUMA[1] * pixel[1] + LUMA[2] * pixel[2];
            pixel.map(|x| grey + (x - grey) * factor)
        }),
        FileChange::Levels { gain, offset } => {
            mapped(rgb, |pixel| pixel.map(|x| gain * x + offset))
        }
        FileChange::Gains { red, blue } => mapped(rgb, |[r, g, b]| [red * r, g, blue * b]),
        FileChange::Noise(deviation) => mapped(rgb, |pixel| {
            let noise = deviation * rng.normal();
            pixel.map(|x| x + noise)
        }),
        FileChange::Blur(factor) => blurred(rgb, factor),
        FileChange::Resize(size) => {
            let width = size.width.max(SIDE_MIN);
            resize(
                rgb,
                width,
                size.height.max(SIDE_MIN),
                FilterType::CatmullRom,
            )
        }
        FileChange::Border(border) => framed(rgb, &border),
        FileChange::Same | FileChange::Quality(_) | FileChange::HiddenQuality(_) => rgb.clone(),
    }
}

fn mapped(rgb: &RgbImage, mut change: impl FnMut([f64; 3]) -> [f64; 3]) -> RgbImage {
    let mut rgb = rgb.clone();
    for pixel in rgb.pixels_mut() {
        let changed = change(pixel.0.map(f64::from));
        pixel.0 = changed.map(|x| x.round().clamp(0.0, 255.0) as u8);
    }
    rgb
}

fn blurred(rgb: &RgbImage, factor: f64) -> RgbImage {
    let (width, height) = rgb.dimensions();
    let smaller = |side: u32| ((f64::from(side) / factor) as u32).max(SIDE_MIN);
    let small = resize(rgb, smaller(width), smaller(height), FilterType::CatmullRom);
    resize(&small, width, height, FilterType::CatmullRom)
}

fn framed(rgb: &RgbImage, border: &Border) -> RgbImage {
    let (width, height) = rgb.dimensions();
    let part = |part: f64, side: u32| (part * f64::from(side)).round() as u32;
    let (left, right) = (part(border.left, width), part(border.right, width));
    let (top, bottom) = (part(border.top, height), part(border.bottom, height));
    let colour = Rgb(border.colour.map(|x| x.round().clamp(0.0, 255.0) as u8));

    let mut rgb = rgb.clone();
    for (x, y, pixel) in rgb.enumerate_pixels_mut() {
        let is_across = x < left || x >= width - right.min(width);
        let is_down = y < top || y >= height - bottom.min(height);
        if is_across || is_down {
            *pixel = colour;
        }
    }
    rgb
}
