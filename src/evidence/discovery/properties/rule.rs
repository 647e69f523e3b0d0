//! Rules on one property.

/// Stands for a level that is missing.
pub const NO_LEVEL: u32 = u32::MAX;

/// A rule, with levels by their places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    AtMost(f64),
    AtLeast(f64),
    Between(f64, f64),
    Level(u32),
    Missing,
}

impl Rule {
    /// NaN is a missing number.
    pub fn holds_number(self, x: f64) -> bool {
        match self {
            Self::AtMost(end) => x <= end,
            Self::AtLeast(start) => x >= start,
            Self::Between(start, end) => start <= x && x <= end,
            Self::Missing => x.is_nan(),
            Self::Level(_) => false,
        }
    }

    pub fn holds_level(self, level: u32) -> bool {
        match self {
            Self::Level(wanted) => level == wanted,
            Self::Missing => level == NO_LEVEL,
            _ => false,
        }
    }
}
