//! Text of table cells as the values that they stand for. One parser for all formats.

/// Spellings of a flag that is set, in lower case.
const TRUE: [&str; 5] = ["true", "t", "yes", "y", "on"];
/// Spellings of a flag that is not set, in lower case.
const FALSE: [&str; 5] = ["false", "f", "no", "n", "off"];
/// Numbers up to here are whole in an f64.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads a flag: a word, or 1 or 0 in any notation; `None` for any other text.
pub fn flag(text: &str) -> Option<bool> {
    let word = text.trim().to_lowercase();
    if TRUE.contains(&word.as_str()) {
        return Some(true);
    }
    if FALSE.contains(&word.as_str()) {
        return Some(false);
    }
    match whole_number(&word)? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

/// Reads a whole number in any notation: `1`, `1.0` and `1.000e+00` are 1; `None` for any other
/// text, and for numbers below 0.
pub fn whole_number(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    // Words such as "inf" are numbers to Rust.
    if !text.bytes().all(|byte| b"0123456789.eE+-".contains(&byte)) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    whole(number)
}

/// A number as a whole one; `None` where it has a fraction, is below 0 or is too large to be exact.
pub fn whole(number: f64) -> Option<u64> {
    let is_whole = number.fract() == 0.0 && (0.0..=WHOLE_MAX).contains(&number);
    is_whole.then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::{flag, whole_number};

    #[test]
    fn flags_in_every_notation() {
        for text in ["1", "1.0", "1.00", "true", "T", "YES", "y", " on "] {
            assert_eq!(flag(text), Some(true), "{text:?}");
        }
        for text in ["0", "0.0", "-0.0", "False", "f", "No", "n", "OFF"] {
            assert_eq!(flag(text), Some(false), "{text:?}");
        }
        for text in ["", "2", "x", "present", "WAHR", "oui", "nan", "-1", "0.5"] {
            assert_eq!(flag(text), None, "{text:?}");
        }
    }

    #[test]
    fn whole_numbers_in_every_notation() {
        let whole = [
            ("7", 7),
            ("7.0", 7),
            ("1.000000e+00", 1),
            (" 12 ", 12),
            ("1e3", 1000),
        ];
        for (text, number) in whole {
            assert_eq!(whole_number(text), Some(number), "{text:?}");
        }
        for text in ["", "-1", "0.5", "inf", "NaN", "1e300", "0x10", "1,0", "one"] {
            assert_eq!(whole_number(text), None, "{text:?}");
        }
    }
}
