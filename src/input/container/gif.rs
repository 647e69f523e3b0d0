//! The first frame of a GIF on its screen, as Pillow shows it.

use super::failure::corrupt;
use super::header::{Header, area};
use crate::error::Skip;
use crate::geometry::Size;
use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, MemoryLimit};
use image::{Rgb, RgbImage};

pub fn header(bytes: &[u8]) -> Result<Header, Skip> {
    let first = FirstFrame::open(bytes)?;
    let indices = area(first.size);
    Ok(Header::new(first.screen, indices))
}

/// Where the frame does not cover the screen, the transparent colour shows, and the first colour of
/// the palette where there is none. A frame larger than the screen enlarges it.
pub fn decode(bytes: &[u8]) -> Result<RgbImage, Skip> {
    let FirstFrame {
        mut decoder,
        screen,
        size,
        left,
        top,
        transparent,
    } = FirstFrame::open(bytes)?;
    let mut indices = vec![0; size.width as usize * size.height as usize];
    decoder
        .read_into_buffer(&mut indices)
        .map_err(|e| gif_skip(&e))?;

    let palette = Palette {
        colours: decoder.palette().unwrap_or_default(),
    };
    let fill = palette.colour(transparent.unwrap_or(0));
    let mut picture = RgbImage::from_pixel(screen.width, screen.height, Rgb(fill));
    if size.width == 0 {
        return Ok(picture);
    }
    for (y, row) in indices.chunks_exact(size.width as usize).enumerate() {
        for (x, index) in row.iter().enumerate() {
            let colour = Rgb(palette.colour(*index));
            picture.put_pixel(left + x as u32, top + y as u32, colour);
        }
    }
    Ok(picture)
}

struct FirstFrame<'a> {
    decoder: Decoder<&'a [u8]>,
    screen: Size,
    /// Size of the frame, and its place on the screen.
    size: Size,
    left: u32,
    top: u32,
    transparent: Option<u8>,
}

impl<'a> FirstFrame<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, Skip> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        // The header is judged before anything is allocated.
        options.set_memory_limit(MemoryLimit::Unlimited);
        let mut decoder = options.read_info(bytes).map_err(|e| gif_skip(&e))?;
        let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));

        let frame = decoder.next_frame_info().map_err(|e| gif_skip(&e))?;
        let frame = frame.ok_or_else(|| corrupt("GIF: there is no frame"))?;
        let size = Size::new(u32::from(frame.width), u32::from(frame.height));
        let (left, top) = (u32::from(frame.left), u32::from(frame.top));
        let transparent = frame.transparent;
        Ok(Self {
            decoder,
            screen: Size::new(width.max(left + size.width), height.max(top + size.height)),
            size,
            left,
            top,
            transparent,
        })
    }
}

/// The colours of a frame, three bytes each.
struct Palette<'a> {
    colours: &'a [u8],
}

impl Palette<'_> {
    /// Without a palette an index is a grey level; an index behind its end is black.
    fn colour(&self, index: u8) -> [u8; 3] {
        if self.colours.is_empty() {
            return [index; 3];
        }
        let start = 3 * usize::from(index);
        match self.colours.get(start..start + 3) {
            Some([r, g, b]) => [*r, *g, *b],
            _ => [0; 3],
        }
    }
}

fn gif_skip(error: &DecodingError) -> Skip {
    corrupt(format!("GIF: {error}"))
}
