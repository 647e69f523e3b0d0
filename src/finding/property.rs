//! Properties of files: what each is called, what kind of value it has, and what it may stand for.

use super::names::closed_set;
use serde::{Deserialize, Serialize};

closed_set! {
    /// A property of a photo's file, its pixels or its name.
    FileProperty {
        Width = "width",
        Height = "height",
        Aspect = "aspect",
        Megapixels = "megapixels",
        Format = "format",
        HasExif = "has_exif",
        ExifOrientation = "exif_orientation",
        CameraMake = "camera_make",
        Software = "software",
        NamePrefix = "name_prefix",
        Folder = "folder",
        JpegQuality = "jpeg_quality",
        /// Whether the luma table is one of the 100 standard ones.
        JpegStandardTable = "jpeg_standard_table",
        /// Sum of the luma table.
        JpegTableSum = "jpeg_table_sum",
        ChromaSubsampling = "chroma_subsampling",
        Progressive = "progressive",
        BytesPerPixel = "bytes_per_pixel",
        Blockiness = "blockiness",
        LumaMean = "luma_mean",
        LumaSd = "luma_sd",
        DarkShare = "dark_share",
        LightShare = "light_share",
        Saturation = "saturation",
        /// Whether nearly all pixels have no colour.
        Grey = "grey",
        /// Whether the file has one channel.
        GreyFile = "grey_file",
        RedGreen = "red_minus_green",
        BlueGreen = "blue_minus_green",
        Sharpness = "sharpness",
        SharpnessSmall = "sharpness_224",
        FineDetail = "fine_detail",
        Noise = "noise",
        BorderTop = "border_top",
        BorderBottom = "border_bottom",
        BorderLeft = "border_left",
        BorderRight = "border_right",
        RingSd = "ring_sd",
        RingMean = "ring_mean",
    }
}

closed_set! {
    /// Properties that are changed together, and that may stand for the same cause.
    PropertyFamily {
        Size = "size",
        Compression = "compression",
        Tone = "tone",
        Colour = "colour",
        Sharpness = "sharpness",
        Border = "border",
        /// EXIF data, format and name of the file: no pixel.
        Metadata = "metadata",
        /// A column of the manifest.
        Column = "column",
    }
}

/// A property that a class can be told by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    File(FileProperty),
    /// A column of the manifest.
    Column(String),
}

/// What one image has of a property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyValue {
    Number(f64),
    Level(String),
    Missing,
}

/// The images that a rule is about, by their value of one property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyRule {
    AtMost(f64),
    AtLeast(f64),
    /// Both ends belong to it.
    Between(f64, f64),
    Is(String),
    Missing,
}

impl FileProperty {
    pub fn family(self) -> PropertyFamily {
        match self {
            Self::Width | Self::Height | Self::Aspect | Self::Megapixels => PropertyFamily::Size,
            Self::Format
            | Self::HasExif
            | Self::ExifOrientation
            | Self::CameraMake
            | Self::Software
            | Self::NamePrefix
            | Self::Folder => PropertyFamily::Metadata,
            Self::JpegQuality
            | Self::JpegStandardTable
            | Self::JpegTableSum
            | Self::ChromaSubsampling
            | Self::Progressive
            | Self::BytesPerPixel
            | Self::Blockiness => PropertyFamily::Compression,
            Self::LumaMean | Self::LumaSd | Self::DarkShare | Self::LightShare => {
                PropertyFamily::Tone
            }
            Self::Saturation | Self::Grey | Self::GreyFile | Self::RedGreen | Self::BlueGreen => {
                PropertyFamily::Colour
            }
            Self::Sharpness | Self::SharpnessSmall | Self::FineDetail | Self::Noise => {
                PropertyFamily::Sharpness
            }
            Self::BorderTop
            | Self::BorderBottom
            | Self::BorderLeft
            | Self::BorderRight
            | Self::RingSd
            | Self::RingMean => PropertyFamily::Border,
        }
    }

    /// Whether its values are levels without an order.
    pub fn has_levels(self) -> bool {
        matches!(
            self,
            Self::Format
                | Self::HasExif
                | Self::ExifOrientation
                | Self::CameraMake
                | Self::Software
                | Self::NamePrefix
                | Self::Folder
                | Self::JpegStandardTable
                | Self::ChromaSubsampling
                | Self::Progressive
                | Self::Grey
                | Self::GreyFile
        )
    }

    /// The name in sentences.
    pub fn words(self) -> &'static str {
        match self {
            Self::Width => "width in pixels",
            Self::Height => "height in pixels",
            Self::Aspect => "width / height",
            Self::Megapixels => "megapixels",
            Self::Format => "file format",
            Self::HasExif => "EXIF data",
            Self::ExifOrientation => "EXIF orientation",
            Self::CameraMake => "camera make (EXIF)",
            Self::Software => "software (EXIF)",
            Self::NamePrefix => "first letters of the file name",
            Self::Folder => "folder",
            Self::JpegQuality => "JPEG quality",
            Self::JpegStandardTable => "standard JPEG table",
            Self::JpegTableSum => "sum of the JPEG luma table",
            Self::ChromaSubsampling => "JPEG chroma subsampling",
            Self::Progressive => "progressive JPEG",
            Self::BytesPerPixel => "bytes per pixel",
            Self::Blockiness => "blockiness (log)",
            Self::LumaMean => "mean luma",
            Self::LumaSd => "SD of luma",
            Self::DarkShare => "share of dark pixels",
            Self::LightShare => "share of light pixels",
            Self::Saturation => "mean saturation",
            Self::Grey => "grey pixels only",
            Self::GreyFile => "file with one channel",
            Self::RedGreen => "mean of red - green",
            Self::BlueGreen => "mean of blue - green",
            Self::Sharpness => "sharpness (log variance of the Laplacian)",
            Self::SharpnessSmall => "sharpness at 224 pixels (log)",
            Self::FineDetail => "fine detail (sharpness less that at half size)",
            Self::Noise => "noise (log)",
            Self::BorderTop => "constant border at the top",
            Self::BorderBottom => "constant border at the bottom",
            Self::BorderLeft => "constant border at the left",
            Self::BorderRight => "constant border at the right",
            Self::RingSd => "SD of the outermost pixels",
            Self::RingMean => "mean of the outermost pixels",
        }
    }
}

impl Property {
    pub fn family(&self) -> PropertyFamily {
        match self {
            Self::File(property) => property.family(),
            Self::Column(_) => PropertyFamily::Column,
        }
    }

    /// The name in tables: of a column with a prefix, so that it is none of a file's properties.
    pub fn name(&self) -> String {
        match self {
            Self::File(property) => property.name().to_owned(),
            Self::Column(column) => format!("column {column}"),
        }
    }

    /// The name in sentences.
    pub fn words(&self) -> String {
        match self {
            Self::File(property) => property.words().to_owned(),
            Self::Column(column) => format!("column \"{column}\" of the manifest"),
        }
    }
}

impl PropertyRule {
    /// Whether a value is inside the rule.
    pub fn holds(&self, value: &PropertyValue) -> bool {
        match (self, value) {
            (Self::Missing, PropertyValue::Missing) => true,
            (Self::Is(level), PropertyValue::Level(found)) => level == found,
            (Self::AtMost(end), PropertyValue::Number(x)) => x <= end,
            (Self::AtLeast(start), PropertyValue::Number(x)) => x >= start,
            (Self::Between(start, end), PropertyValue::Number(x)) => start <= x && x <= end,
            _ => false,
        }
    }

    /// The rule behind the name of a property: `jpeg_quality <= 30`.
    pub fn of(&self, name: &str) -> String {
        match self {
            Self::AtMost(end) => format!("{name} <= {}", short(*end)),
            Self::AtLeast(start) => format!("{name} >= {}", short(*start)),
            Self::Between(start, end) if start == end => format!("{name} = {}", short(*start)),
            Self::Between(start, end) => format!("{name} {} to {}", short(*start), short(*end)),
            Self::Is(level) => format!("{name} = {level}"),
            Self::Missing => format!("{name} missing"),
        }
    }
}

/// A number with at most four significant digits.
fn short(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    let digits = 3 - x.abs().log10().floor() as i32;
    let scale = 10_f64.powi(digits.clamp(0, 8));
    format!("{}", (x * scale).round() / scale)
}
