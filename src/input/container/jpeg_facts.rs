//! How a JPEG was written.

use super::jpeg_segments::segments;

/// What the segments before the first scan say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JpegFacts {
    /// The quantisation table of the first component, in zigzag order.
    pub luma_table: Option<[u16; 64]>,
    pub is_progressive: bool,
    /// Sampling factors of each component, across and down.
    pub sampling: Vec<(u8, u8)>,
}

/// Reads the tables and the frame header.
pub fn jpeg_facts(bytes: &[u8]) -> JpegFacts {
    let mut facts = JpegFacts::default();
    let mut tables: [Option<[u16; 64]>; 4] = [None; 4];
    let mut luma_id = 0;
    for (marker, data) in segments(bytes) {
        match marker {
            0xDB => add_tables(&mut tables, data),
            // DHT, JPG and DAC lie in the range of the frame headers.
            0xC4 | 0xC8 | 0xCC => {}
            0xC0..=0xCF => {
                facts.is_progressive = matches!(marker, 0xC2 | 0xC6 | 0xCA | 0xCE);
                let count = usize::from(data.get(5).copied().unwrap_or_default());
                let (components, _) = data.get(6..).unwrap_or_default().as_chunks::<3>();
                let components = components.iter().take(count);
                facts.sampling = components
                    .clone()
                    .map(|[_, factors, _]| (factors >> 4, factors & 0x0F))
                    .collect();
                luma_id = components.clone().next().map_or(0, |[_, _, table]| *table);
            }
            _ => {}
        }
    }
    facts.luma_table = tables.get(usize::from(luma_id)).copied().flatten();
    facts
}

/// The tables of one segment; the last one of an identifier counts.
fn add_tables(tables: &mut [Option<[u16; 64]>; 4], mut data: &[u8]) {
    while let Some((head, rest)) = data.split_first() {
        let bytes_each = if head >> 4 == 0 { 1 } else { 2 };
        let Some((steps, rest)) = rest.split_at_checked(64 * bytes_each) else {
            return;
        };
        let mut table = [0; 64];
        for (step, bytes) in table.iter_mut().zip(steps.chunks_exact(bytes_each)) {
            *step = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u16::from(*byte));
        }
        if let Some(place) = tables.get_mut(usize::from(head & 0x0F)) {
            *place = Some(table);
        }
        data = rest;
    }
}
