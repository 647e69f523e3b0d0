//! The name of a finding in links, as `horse/source-tag`: the same in every run.

/// Label and region as a fragment, each percent-encoded as `encodeURIComponent` does it.
pub fn anchor(label: &str, region: &str) -> String {
    format!("{}/{}", encoded(label), encoded(region))
}

/// The text with everything encoded that is no plain part of an address.
pub fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_the_fragment() {
        assert_eq!(anchor("horse", "source-tag"), "horse/source-tag");
        assert_eq!(anchor("a/b c", "\"é"), "a%2Fb%20c/%22%C3%A9");
    }
}
