//! The first directory of a TIFF structure: a TIFF file, a BigTIFF file, or EXIF data.

use std::ops::Range;

/// The first directory.
pub struct Ifd<'a> {
    bytes: &'a [u8],
    is_little_endian: bool,
    is_big_tiff: bool,
    /// Where the entries begin, and how many there are.
    start: usize,
    count: usize,
}

/// One entry of a directory.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    kind: u64,
    count: u64,
    /// Where the value stands, or the place of a value that does not fit there.
    value: usize,
}

impl<'a> Ifd<'a> {
    /// `None` where the bytes are no TIFF structure.
    pub fn first(bytes: &'a [u8]) -> Option<Self> {
        let is_little_endian = match bytes.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        let mut ifd = Self {
            bytes,
            is_little_endian,
            is_big_tiff: false,
            start: 0,
            count: 0,
        };
        ifd.is_big_tiff = match ifd.number_at(2, 2)? {
            42 => false,
            43 => true,
            _ => return None,
        };

        let (pointer, pointer_length, count_length) = if ifd.is_big_tiff {
            (8, 8, 8)
        } else {
            (4, 4, 2)
        };
        let start = usize::try_from(ifd.number_at(pointer, pointer_length)?).ok()?;
        ifd.count = usize::try_from(ifd.number_at(start, count_length)?).ok()?;
        ifd.start = start + count_length;
        Some(ifd)
    }

    /// The last entry with this tag.
    pub fn entry(&self, tag: u64) -> Option<Entry> {
        let length = if self.is_big_tiff { 20 } else { 12 };
        let mut found = None;
        let entries = self.bytes.get(self.start..)?.chunks_exact(length);
        for (index, _) in entries.take(self.count).enumerate() {
            let at = self.start + index * length;
            if self.number_at(at, 2)? == tag {
                let count_length = if self.is_big_tiff { 8 } else { 4 };
                found = Some(Entry {
                    kind: self.number_at(at + 2, 2)?,
                    count: self.number_at(at + 4, count_length)?,
                    value: at + 4 + count_length,
                });
            }
        }
        found
    }

    /// The whole number of an entry with exactly one.
    pub fn number(&self, tag: u64) -> Option<u64> {
        let entry = self.entry(tag)?;
        let place = self.number_place(entry)?;
        self.number_at(place.start, place.len())
    }

    /// Where the one whole number of an entry stands.
    pub fn number_place(&self, entry: Entry) -> Option<Range<usize>> {
        let length = match entry.kind {
            // BYTE, SBYTE; SHORT, SSHORT; LONG, SLONG.
            1 | 6 => 1,
            3 | 8 => 2,
            4 | 9 => 4,
            _ => return None,
        };
        let place = entry.value..entry.value + length;
        (entry.count == 1 && place.end <= self.bytes.len()).then_some(place)
    }

    /// The bytes of an entry of BYTE or UNDEFINED.
    pub fn blob(&self, tag: u64) -> Option<&'a [u8]> {
        let entry = self.entry(tag)?;
        if !matches!(entry.kind, 1 | 7) {
            return None;
        }
        self.content(entry)
    }

    /// The text of an entry of ASCII, to its first zero.
    pub fn text(&self, tag: u64) -> Option<String> {
        let entry = self.entry(tag)?;
        if entry.kind != 2 {
            return None;
        }
        let content = self.content(entry)?;
        let text = content.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// The bytes of an entry whose values take one byte each.
    fn content(&self, entry: Entry) -> Option<&'a [u8]> {
        let count = usize::try_from(entry.count).ok()?;
        let inline = if self.is_big_tiff { 8 } else { 4 };
        let start = if count <= inline {
            entry.value
        } else {
            usize::try_from(self.number_at(entry.value, inline)?).ok()?
        };
        self.bytes.get(start..start.checked_add(count)?)
    }

    /// A number in the byte order of the structure.
    pub fn encoded(&self, number: u8, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        let at = if self.is_little_endian { 0 } else { length - 1 };
        bytes[at] = number;
        bytes
    }

    fn number_at(&self, at: usize, length: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        let mut number = 0;
        for index in 0..length {
            let byte = if self.is_little_endian {
                bytes[length - 1 - index]
            } else {
                bytes[index]
            };
            number = number << 8 | u64::from(byte);
        }
        Some(number)
    }
}
