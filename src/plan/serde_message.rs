//! Serde's error messages in the words of the pipeline file.

/// What serde calls a type, and what a user calls it.
const PLAIN_TYPES: [(&str, &str); 4] = [
    ("u16", "a whole number"),
    ("u32", "a whole number"),
    ("u64", "a whole number"),
    ("f64", "a number"),
];

/// The message without the names of Rust's types.
///
/// For an unknown key it suggests the most similar known one.
pub fn plain_message(message: &str) -> String {
    if message.starts_with("unknown field") {
        let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        if let [unknown, known @ ..] = &names[..] {
            return unknown_key(unknown, known);
        }
    }

    match message.rsplit_once("expected ") {
        Some((found, expected)) if !expected.is_empty() => {
            format!("{found}expected {}", plain_type(expected))
        }
        _ => message.to_owned(),
    }
}

fn unknown_key(unknown: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, unknown), name))
        .min_by_key(|(distance, _)| *distance);
    // More changes than half of the letters make another word, not a typing error.
    let suggestion = match nearest {
        Some((distance, name)) if distance * 2 <= name.len() => format!(" did you mean `{name}`?"),
        _ => String::new(),
    };
    format!(
        "unknown key `{unknown}`;{suggestion} known keys: {}",
        known.join(", ")
    )
}

fn plain_type(expected: &str) -> &str {
    if expected.starts_with("struct ") {
        return "a table";
    }
    for (rust, plain) in PLAIN_TYPES {
        if rust == expected {
            return plain;
        }
    }
    expected
}
