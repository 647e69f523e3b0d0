//! Serde's error messages in the words of the pipeline file.

/// The message about a key without the names of Rust's types.
///
/// For an unknown key or value it suggests the most similar known one.
pub fn plain_message(key: &str, message: &str) -> String {
    let is_unknown = |what| message.starts_with(what);
    if is_unknown("unknown field") {
        return unknown("key", message);
    }
    if is_unknown("unknown variant") {
        return unknown("value", message);
    }

    let found = ["invalid type: ", "invalid value: "];
    let found = found.iter().find_map(|start| message.strip_prefix(start));
    match found.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, expected)) => format!(
            "{} is given; {} is expected",
            plain_value(found),
            plain_type(key, expected)
        ),
        None => message.to_owned(),
    }
}

/// `unknown field `a`, expected one of `b`, `c``, of a key or a value.
fn unknown(what: &str, message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let [unknown, known @ ..] = &names[..] else {
        return message.to_owned();
    };
    let nearest = known
        .iter()
        .map(|name| (changes(unknown, name), name))
        .min_by_key(|(changes, _)| *changes);
    // More changes than half of the letters make another word, not a typing error.
    let suggestion = match nearest {
        Some((changes, name)) if changes * 2 <= unknown.len() => {
            format!(" did you mean `{name}`?")
        }
        _ => String::new(),
    };
    format!(
        "unknown {what} `{unknown}`;{suggestion} known {what}s: {}",
        known.join(", ")
    )
}

/// Letters to change to get a known name, or its start: names are cut short as well.
fn changes(unknown: &str, known: &str) -> usize {
    let count = unknown.chars().count();
    let start: String = known.chars().take(count + 1).collect();
    let whole = strsim::damerau_levenshtein(known, unknown);
    // Short names are starts of many.
    match count {
        4.. => whole.min(1 + strsim::damerau_levenshtein(&start, unknown)),
        _ => whole,
    }
}

/// A value as serde names it: `string "4"`, `integer `-1``, `sequence`.
fn plain_value(found: &str) -> String {
    match found {
        "sequence" => return "a list".to_owned(),
        "map" => return "a table".to_owned(),
        _ => {}
    }
    if let Some(text) = found.strip_prefix("string ") {
        return format!("the text {text}");
    }
    match found.split('`').nth(1) {
        Some(number) => number.to_owned(),
        None => found.to_owned(),
    }
}

fn plain_type(key: &str, expected: &str) -> String {
    let is_top_level = !key.contains(['.', '[']);
    match expected {
        "u16" | "u32" | "u64" => "a whole number from 0 on".to_owned(),
        "f64" => "a number".to_owned(),
        "a string" => "a text in quotes".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" if is_top_level => format!("a list of tables, each below a line [[{key}]],"),
        "a sequence" => "a list".to_owned(),
        _ if !expected.starts_with("struct ") => expected.to_owned(),
        _ if is_top_level => format!("a table, below a line [{key}],"),
        _ => "a table".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_in_the_words_of_the_file() {
        let table = [
            (
                "discovery",
                "invalid type: boolean `true`, expected struct DiscoveryFile",
                "true is given; a table, below a line [discovery], is expected",
            ),
            (
                "region",
                "invalid type: map, expected a sequence",
                "a table is given; a list of tables, each below a line [[region]], is expected",
            ),
            (
                "region[1].corner",
                "invalid type: string \"left\", expected struct CornerFile",
                "the text \"left\" is given; a table is expected",
            ),
            (
                "run.jobs",
                "invalid value: integer `-1`, expected u32",
                "-1 is given; a whole number from 0 on is expected",
            ),
            (
                "run.jobs",
                "invalid type: string \"4\", expected u32",
                "the text \"4\" is given; a whole number from 0 on is expected",
            ),
            (
                "model.classes",
                "invalid type: sequence, expected a string",
                "a list is given; a text in quotes is expected",
            ),
            (
                "preprocess.preset",
                "unknown variant `imagnet`, expected `imagenet` or `zero-one`",
                "unknown value `imagnet`; did you mean `imagenet`? known values: imagenet, \
                 zero-one",
            ),
            (
                "preprocess.preset",
                "unknown variant `imagnet`, expected one of `zero-one`, `imagenet-torchvision`",
                "unknown value `imagnet`; did you mean `imagenet-torchvision`? known values: \
                 zero-one, imagenet-torchvision",
            ),
            (
                "dataset.boxs",
                "unknown field `boxs`, expected one of `root`, `boxes`",
                "unknown key `boxs`; did you mean `boxes`? known keys: root, boxes",
            ),
            ("syntax", "duplicate key", "duplicate key"),
        ];
        for (key, message, expected) in table {
            assert_eq!(plain_message(key, message), expected);
        }
    }
}
