//! The chunks of a WebP.

/// Kind and content of every chunk in a sequence of them.
pub fn chunks(mut rest: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (head, after) = rest.split_at_checked(8)?;
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let content = after.get(..length)?;
        // Chunks are padded to an even length.
        rest = after.get(length.next_multiple_of(2)..).unwrap_or_default();
        Some(([head[0], head[1], head[2], head[3]], content))
    })
}

/// The first chunk of a kind in a WebP.
pub fn first<'a>(webp: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    let mut chunks = chunks(webp.get(12..)?);
    chunks.find(|(kind, _)| kind == wanted).map(|found| found.1)
}
