//! The groups of images are split in two by hash: one half for B, the other for C; A uses
//! both.

/// The key of a group's name, or of an image's id where it has no group: the first bytes of its
/// hash.
pub fn group_key(name: &str) -> u64 {
    let hash = blake3::hash(name.as_bytes());
    u64::from_le_bytes(std::array::from_fn(|i| hash.as_bytes()[i]))
}

/// Whether a group belongs to the half that B uses.
pub fn is_screening(group: u64) -> bool {
    group & 1 == 0
}

/// The key of a group of the half that B uses; `None` for the other half.
pub fn screening_group(name: &str) -> Option<u64> {
    Some(group_key(name)).filter(|group| is_screening(*group))
}
