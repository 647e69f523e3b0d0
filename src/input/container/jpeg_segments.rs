//! The segments of a JPEG before its first scan (ITU-T T.81, B.1.1).

use super::header::Header;
use crate::geometry::Size;

/// A marker, and what its segment holds.
pub struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The frame of a JPEG, and what decoding it keeps.
#[derive(Debug, Clone, Copy)]
pub struct Frame {
    size: Size,
    components: u64,
    /// Bytes of the coefficients of the whole frame.
    coefficients: u64,
    /// Whether one scan holds the whole picture.
    is_one_scan: bool,
}

pub fn segments(bytes: &[u8]) -> Segments<'_> {
    Segments { bytes, at: 2 }
}

impl<'a> Iterator for Segments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let skipped = self.bytes.get(self.at..)?;
            self.at += skipped.iter().position(|byte| *byte == 0xFF)?;
            let marker = *self.bytes.get(self.at + 1)?;
            match marker {
                0xFF => self.at += 1,
                // Bytes between segments, and markers without one.
                0x00 | 0x01 | 0xD0..=0xD8 => self.at += 2,
                0xD9 => return None,
                _ => {
                    let [high, low] = *self.bytes.get(self.at + 2..self.at + 4)? else {
                        return None;
                    };
                    let length = usize::from(u16::from_be_bytes([high, low])).max(2);
                    let start = self.at + 4;
                    let end = (self.at + 2 + length).min(self.bytes.len());
                    // Entropy-coded data follow the first scan's header.
                    self.at = if marker == 0xDA { usize::MAX } else { end };
                    return Some((marker, self.bytes.get(start..end)?));
                }
            }
        }
    }
}

/// The frame; `None` where no frame header can be read.
pub fn frame(bytes: &[u8]) -> Option<Frame> {
    let mut frame = None;
    for (marker, data) in segments(bytes) {
        match marker {
            // DHT, JPG and DAC lie in the range of the frame headers.
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF => frame = Some(Frame::parse(marker, data)?),
            0xDA => {
                let mut frame: Frame = frame?;
                let scanned = u64::from(*data.first()?);
                frame.is_one_scan &= scanned >= frame.components;
                return Some(frame);
            }
            _ => {}
        }
    }
    frame
}

impl Frame {
    fn parse(marker: u8, data: &[u8]) -> Option<Self> {
        let [_, h1, h0, w1, w0, count, components @ ..] = data else {
            return None;
        };
        let height = u32::from(u16::from_be_bytes([*h1, *h0]));
        let width = u32::from(u16::from_be_bytes([*w1, *w0]));
        let mut factors = Vec::new();
        for component in components.chunks_exact(3).take(usize::from(*count)) {
            let across = u64::from(component[1] >> 4).clamp(1, 4);
            let down = u64::from(component[1] & 0x0F).clamp(1, 4);
            factors.push((across, down));
        }

        let across_max = factors.iter().map(|f| f.0).max()?;
        let down_max = factors.iter().map(|f| f.1).max()?;
        let units =
            u64::from(width).div_ceil(8 * across_max) * u64::from(height).div_ceil(8 * down_max);
        let blocks: u64 = factors.iter().map(|(across, down)| across * down).sum();
        Some(Self {
            size: Size::new(width, height),
            components: u64::from(*count),
            coefficients: units * blocks * 64 * 2,
            is_one_scan: !matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE),
        })
    }

    /// The header for a decoder that copies the file and keeps the coefficients of pictures in
    /// several scans.
    pub fn header(&self, file_bytes: usize) -> Header {
        let area = u64::from(self.size.width) * u64::from(self.size.height);
        let grey = if self.components == 1 { area } else { 0 };
        let kept = if self.is_one_scan {
            0
        } else {
            self.coefficients
        };
        Header::new(self.size, file_bytes as u64 + grey + kept)
    }
}
