//! What the tags of a TIFF say about its samples, and what they are read as. The table follows
//! Pillow's; what Pillow refuses is refused by name.

use super::failure::unsupported;
use crate::error::Skip;

/// Values of the photometric interpretation.
const WHITE_IS_ZERO: u64 = 0;
const BLACK_IS_ZERO: u64 = 1;
/// Values of the sample format.
const UNSIGNED: u16 = 1;
const SIGNED: u16 = 2;
const FLOAT: u16 = 3;
/// Values of an extra sample.
const PREMULTIPLIED: u16 = 1;
/// The compression of JPEG data with their own tables.
pub const JPEG: u16 = 7;

/// The tags that decide how samples are read.
#[derive(Debug, Clone)]
pub struct Tags {
    pub photometric: u64,
    pub sample_format: u16,
    pub bits: u16,
    pub samples: u16,
    pub extra_samples: Vec<u16>,
    pub compression: u16,
    pub is_planar: bool,
    pub has_reversed_bits: bool,
    /// Horizontal and vertical factor of YCbCr.
    pub subsampling: [u16; 2],
    /// Whether YCbCr have coefficients or ranges of their own.
    pub has_own_ycbcr: bool,
}

/// How samples become RGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    Grey { is_inverted: bool },
    Rgb,
    RgbPremultiplied,
    Palette,
    Cmyk,
    YCbCr,
}

/// How stored numbers become levels of 8 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Levels {
    /// Numbers of 1, 2, 4 or 8 bits, as they are.
    Bits(u16),
    /// The high byte of 16 bits.
    HighByte,
    /// Deeper grey, as it is where it lies in 0..=255.
    Exact,
}

impl Tags {
    /// # Errors
    /// A skip `unsupported` that names the kind of TIFF.
    pub fn kind(&self) -> Result<(Colour, Levels), Skip> {
        if self.compression == 6 {
            return Err(refused("JPEG compression of the old form"));
        }
        if self.has_reversed_bits {
            return Err(refused("a reversed order of bits (FillOrder 2)"));
        }
        let kind = match self.photometric {
            WHITE_IS_ZERO | BLACK_IS_ZERO => self.grey(),
            2 => self.rgb(),
            3 => self.palette(),
            4 => Err(refused("a transparency mask")),
            5 => self.cmyk(),
            6 => self.ycbcr(),
            8..=10 => Err(refused("Lab colours")),
            number => Err(refused(&format!("photometric interpretation {number}"))),
        }?;

        let is_plain = matches!(kind.0, Colour::Grey { .. } | Colour::Rgb | Colour::Palette);
        if self.is_planar && !is_plain {
            return Err(refused(
                "separate planes of other colours than grey and RGB",
            ));
        }
        Ok(kind)
    }

    /// Number of samples that belong to the colour.
    fn colour_samples(&self) -> u16 {
        let extra = u16::try_from(self.extra_samples.len()).unwrap_or(u16::MAX);
        self.samples.saturating_sub(extra)
    }

    fn grey(&self) -> Result<(Colour, Levels), Skip> {
        let is_inverted = self.photometric == WHITE_IS_ZERO;
        let grey = Colour::Grey { is_inverted };
        if self.colour_samples() != 1 {
            return Err(self.refused_samples("grey"));
        }
        match (self.sample_format, self.bits, self.extra_samples.as_slice()) {
            (UNSIGNED, 1 | 2 | 4 | 8, []) => Ok((grey, Levels::Bits(self.bits))),
            (SIGNED, 8, []) if !is_inverted => Ok((grey, Levels::Bits(8))),
            (UNSIGNED | SIGNED, 16 | 32, []) | (FLOAT, 32, []) if !is_inverted => {
                Ok((grey, Levels::Exact))
            }
            (_, _, [PREMULTIPLIED]) => Err(refused("grey that is multiplied with alpha")),
            (UNSIGNED, 8, [0 | 2]) if !is_inverted => Ok((grey, Levels::Bits(8))),
            _ => Err(self.refused_samples("grey")),
        }
    }

    fn rgb(&self) -> Result<(Colour, Levels), Skip> {
        let extra = self.extra_samples.as_slice();
        let colour = match (self.colour_samples(), extra) {
            // A fourth channel that is not described is alpha, which is dropped.
            (3 | 4, []) | (3, [0 | 2 | 999, ..]) => Colour::Rgb,
            (3, [PREMULTIPLIED, ..]) => Colour::RgbPremultiplied,
            _ => return Err(self.refused_samples("RGB")),
        };
        match (self.sample_format, self.bits, extra.len()) {
            (UNSIGNED, 8, 0..=3) => Ok((colour, Levels::Bits(8))),
            (UNSIGNED, 16, 0..=1) => Ok((colour, Levels::HighByte)),
            _ => Err(self.refused_samples("RGB")),
        }
    }

    fn palette(&self) -> Result<(Colour, Levels), Skip> {
        let levels = Levels::Bits(self.bits);
        match (self.sample_format, self.bits, self.extra_samples.as_slice()) {
            (UNSIGNED, 1 | 2 | 4 | 8, []) if self.samples == 1 => Ok((Colour::Palette, levels)),
            (UNSIGNED, 8, [0 | 2]) if self.samples == 2 => Ok((Colour::Palette, levels)),
            _ => Err(self.refused_samples("a palette")),
        }
    }

    fn cmyk(&self) -> Result<(Colour, Levels), Skip> {
        if self.compression == JPEG {
            return Err(refused("CMYK colours in JPEG compression"));
        }
        match (self.sample_format, self.bits, self.colour_samples()) {
            (UNSIGNED, 8, 4) => Ok((Colour::Cmyk, Levels::Bits(8))),
            (UNSIGNED, 16, 4) if self.samples == 4 => Ok((Colour::Cmyk, Levels::HighByte)),
            _ => Err(self.refused_samples("CMYK")),
        }
    }

    fn ycbcr(&self) -> Result<(Colour, Levels), Skip> {
        if (self.sample_format, self.bits) != (UNSIGNED, 8) {
            return Err(self.refused_samples("YCbCr"));
        }
        let levels = Levels::Bits(8);
        match (self.compression, self.samples) {
            (_, 1) => Ok((Colour::Grey { is_inverted: false }, levels)),
            (JPEG, 3) => Ok((Colour::YCbCr, levels)),
            (_, 3) if self.has_own_ycbcr => {
                Err(refused("YCbCr colours with coefficients of their own"))
            }
            (_, 3) if self.subsampling == [1, 1] => Ok((Colour::YCbCr, levels)),
            (_, 3) => Err(refused("subsampled YCbCr colours without JPEG compression")),
            _ => Err(self.refused_samples("YCbCr")),
        }
    }

    fn refused_samples(&self, colours: &str) -> Skip {
        let numbers = match self.sample_format {
            SIGNED => " signed",
            FLOAT => " floating-point",
            _ => "",
        };
        refused(&format!(
            "{colours} in {} channels of {} bits{numbers}",
            self.samples, self.bits
        ))
    }
}

fn refused(what: &str) -> Skip {
    unsupported(format!(
        "TIFF with {what} is not read; convert it to 8-bit RGB"
    ))
}
