//! TIFF and BigTIFF, by the `tiff` crate: chunk by chunk, all channels as they are stored.

use super::failure::{corrupt, skip};
use super::header::Header;
use super::ifd::Ifd;
use super::jpeg_segments;
use super::tiff_kind::{Colour, JPEG, Levels, Tags};
use super::tiff_levels::{Converter, LevelReader};
use crate::error::{Skip, SkipReason};
use crate::geometry::Size;
use image::{Rgb, RgbImage};
use std::io::{Cursor, Read, Seek, SeekFrom};
use tiff::decoder::{ChunkType, Decoder, Limits, ifd};
use tiff::tags::Tag;
use tiff::{TiffError, TiffResult};

/// Tag of the photometric interpretation.
const PHOTOMETRIC: u64 = 262;
/// `BlackIsZero`: the crate hands over all channels and converts nothing.
const AS_STORED: u8 = 1;
/// The compression that needs a window of its own, and the largest window.
const ZSTD: u16 = 50_000;
const ZSTD_WINDOW: u64 = 128 << 20;

pub fn header(bytes: &[u8]) -> Result<Header, Skip> {
    let mut file = TiffFile::open(bytes)?;
    file.tags.kind()?;
    let [width, height] = [file.chunk.width, file.chunk.height];
    let chunk = u64::from(width.min(file.size.width)) * u64::from(height.min(file.size.height));
    let number_bytes = u64::from(file.tags.bits.div_ceil(8)) + 1;
    let numbers = chunk * u64::from(file.samples_per_chunk());

    let compression = match file.tags.compression {
        JPEG => file.largest_jpeg(bytes)?,
        ZSTD => ZSTD_WINDOW,
        _ => 0,
    };
    Ok(Header::new(file.size, numbers * number_bytes + compression))
}

pub fn decode(bytes: &[u8]) -> Result<RgbImage, Skip> {
    let mut file = TiffFile::open(bytes)?;
    let (colour, rule) = file.tags.kind()?;
    let converter = Converter {
        colour,
        white: match rule {
            Levels::Bits(bits) => (255 >> (8 - bits)) as u8,
            Levels::HighByte | Levels::Exact => 255,
        },
        palette: file.palette(colour)?,
    };

    let mut file = file.for_pixels();
    let mut levels = LevelReader::new(rule);
    let mut picture = RgbImage::new(file.size.width, file.size.height);
    let planes = match (file.tags.is_planar, colour) {
        (true, Colour::Rgb) => 3,
        _ => 1,
    };
    for plane in 0..planes {
        for chunk in 0..file.chunks_across * file.chunks_down {
            let piece = file.read(plane, chunk, &mut levels)?;
            if planes == 1 && colour == Colour::Rgb && piece.channels == 3 {
                piece.copy(&mut picture);
            } else if planes == 1 {
                piece.paint(&mut picture, |pixel, numbers| {
                    *pixel = Rgb(converter.rgb(numbers));
                });
            } else {
                piece.paint(&mut picture, |pixel, numbers| {
                    pixel.0[plane as usize] = numbers[0];
                });
            }
        }
    }
    levels.finish()?;
    Ok(picture)
}

struct TiffFile<'a> {
    decoder: Decoder<Patched<'a>>,
    tags: Tags,
    size: Size,
    /// Size of a strip or tile.
    chunk: Size,
    chunks_across: u32,
    chunks_down: u32,
}

impl<'a> TiffFile<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, Skip> {
        let ifd = Ifd::first(bytes).ok_or_else(|| corrupt("TIFF: there is no directory"))?;
        let entry = ifd.entry(PHOTOMETRIC);
        let place = entry.and_then(|entry| ifd.number_place(entry));
        let (Some(place), Some(photometric)) = (place, ifd.number(PHOTOMETRIC)) else {
            return Err(corrupt("TIFF: no photometric interpretation is stated"));
        };

        let patch = ifd.encoded(AS_STORED, place.len());
        let input = Patched {
            file: Cursor::new(bytes),
            at: place.start,
            patch,
        };
        let decoder = Decoder::new(input).map_err(|e| tiff_skip(&e))?;
        let mut decoder = decoder.with_limits(tag_limits(bytes));
        let tags = tags(&mut decoder, photometric).map_err(|e| tiff_skip(&e))?;

        let (width, height) = decoder.dimensions().map_err(|e| tiff_skip(&e))?;
        let (chunk_width, chunk_height) = decoder.chunk_dimensions();
        Ok(Self {
            decoder,
            tags,
            size: Size::new(width, height),
            chunk: Size::new(chunk_width, chunk_height),
            chunks_across: width.div_ceil(chunk_width.max(1)),
            chunks_down: height.div_ceil(chunk_height.max(1)),
        })
    }

    /// All tags were read: what the pixels need is known from the header, and was admitted.
    fn for_pixels(mut self) -> Self {
        self.decoder = self.decoder.with_limits(Limits::unlimited());
        self
    }

    fn samples_per_chunk(&self) -> u16 {
        if self.tags.is_planar {
            1
        } else {
            self.tags.samples
        }
    }

    /// Most bytes that the JPEG data of one chunk need; their size may be another than the chunk's.
    fn largest_jpeg(&mut self, bytes: &[u8]) -> Result<u64, Skip> {
        let tags = match self.decoder.get_chunk_type() {
            ChunkType::Strip => [Tag::StripOffsets, Tag::StripByteCounts],
            ChunkType::Tile => [Tag::TileOffsets, Tag::TileByteCounts],
        };
        let mut places = Vec::new();
        for tag in tags {
            let numbers = self.decoder.find_tag_unsigned_vec::<u64>(tag);
            places.push(numbers.map_err(|e| tiff_skip(&e))?.unwrap_or_default());
        }

        let mut largest = 0;
        for (start, length) in places[0].iter().zip(&places[1]) {
            let end = start.saturating_add(*length).min(bytes.len() as u64);
            let Some(data) = bytes.get(*start as usize..end as usize) else {
                continue;
            };
            if let Some(frame) = jpeg_segments::frame(data) {
                largest = largest.max(frame.header(data.len()).decoding);
            }
        }
        Ok(largest)
    }

    fn palette(&mut self, colour: Colour) -> Result<Vec<u16>, Skip> {
        if colour != Colour::Palette {
            return Ok(Vec::new());
        }
        let palette = self.decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap);
        let palette = palette.map_err(|e| tiff_skip(&e))?;
        palette.ok_or_else(|| corrupt("TIFF: there is no palette"))
    }

    /// Reads one strip or tile.
    fn read(&mut self, plane: u32, chunk: u32, levels: &mut LevelReader) -> Result<Piece, Skip> {
        let index = plane * self.chunks_across * self.chunks_down + chunk;
        let (width, _) = self.decoder.chunk_data_dimensions(index);
        let data = self.decoder.read_chunk(index).map_err(|e| tiff_skip(&e))?;

        let channels = usize::from(self.samples_per_chunk());
        let row = width as usize * channels;
        Ok(Piece {
            left: chunk % self.chunks_across * self.chunk.width,
            top: chunk / self.chunks_across * self.chunk.height,
            row,
            channels,
            levels: levels.levels(data, row)?,
        })
    }
}

/// A tag may claim any number of values, and the crate takes their memory before it reads them. No
/// tag has more values than the file has bytes.
fn tag_limits(bytes: &[u8]) -> Limits {
    let mut limits = Limits::default();
    let most = bytes.len().saturating_mul(size_of::<ifd::Value>());
    limits.decoding_buffer_size = limits.decoding_buffer_size.min(most);
    limits
}

fn tags(decoder: &mut Decoder<Patched<'_>>, photometric: u64) -> TiffResult<Tags> {
    let mut number = |tag: Tag, default: u16| {
        let numbers = decoder.find_tag_unsigned_vec::<u16>(tag)?;
        let first = numbers.and_then(|numbers| numbers.first().copied());
        TiffResult::Ok(first.unwrap_or(default))
    };
    let sample_format = number(Tag::SampleFormat, 1)?;
    let bits = number(Tag::BitsPerSample, 1)?;
    let samples = number(Tag::SamplesPerPixel, 1)?;
    let compression = number(Tag::Compression, 1)?;
    let is_planar = number(Tag::PlanarConfiguration, 1)? == 2;
    let has_reversed_bits = number(Tag::FillOrder, 1)? == 2;

    let subsampling = decoder.find_tag_unsigned_vec::<u16>(Tag::ChromaSubsampling)?;
    let extra_samples = decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples)?;
    // 529: coefficients, 532: the ranges of the channels.
    let directory = decoder.image_ifd();
    let directory = directory.directory();
    let has_own_ycbcr =
        directory.contains(Tag::Unknown(529)) || directory.contains(Tag::Unknown(532));
    Ok(Tags {
        photometric,
        sample_format,
        bits,
        samples,
        extra_samples: extra_samples.unwrap_or_default(),
        compression,
        is_planar: is_planar && samples > 1,
        has_reversed_bits,
        subsampling: match subsampling.as_deref() {
            Some([across, down]) => [*across, *down],
            _ => [2, 2],
        },
        has_own_ycbcr,
    })
}

/// The levels of a strip or tile, and its place.
struct Piece {
    left: u32,
    top: u32,
    /// Numbers in a row.
    row: usize,
    channels: usize,
    levels: Vec<u8>,
}

impl Piece {
    /// Copies rows that are RGB already.
    fn copy(&self, picture: &mut RgbImage) {
        let width = picture.width() as usize;
        let height = picture.height();
        let left = self.left as usize;
        let pixels: &mut [u8] = picture;
        for (row, y) in self.levels.chunks_exact(self.row).zip(self.top..height) {
            let start = 3 * (y as usize * width + left);
            let length = self.row.min(3 * (width - left));
            pixels[start..start + length].copy_from_slice(&row[..length]);
        }
    }

    /// Calls `set` with every pixel of the picture under the piece, and its numbers.
    fn paint(&self, picture: &mut RgbImage, mut set: impl FnMut(&mut Rgb<u8>, &[u8])) {
        for (row, y) in self.levels.chunks_exact(self.row).zip(self.top..) {
            for (numbers, x) in row.chunks_exact(self.channels).zip(self.left..) {
                if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
                    set(pixel, numbers);
                }
            }
        }
    }
}

/// A file in memory with other bytes at one place.
struct Patched<'a> {
    file: Cursor<&'a [u8]>,
    at: usize,
    patch: Vec<u8>,
}

impl Read for Patched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let start = self.file.position() as usize;
        let length = self.file.read(buffer)?;
        for (offset, byte) in self.patch.iter().enumerate() {
            let index = (self.at + offset).checked_sub(start);
            if let Some(index) = index.filter(|index| *index < length) {
                buffer[index] = *byte;
            }
        }
        Ok(length)
    }
}

impl Seek for Patched<'_> {
    fn seek(&mut self, position: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(position)
    }
}

fn tiff_skip(error: &TiffError) -> Skip {
    let reason = match error {
        TiffError::UnsupportedError(_) => SkipReason::Unsupported,
        TiffError::LimitsExceeded => SkipReason::TooLarge,
        _ => SkipReason::Corrupt,
    };
    skip(reason, format!("TIFF: {error}"))
}
